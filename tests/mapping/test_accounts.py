"""Which Account a new Contact belongs to (rule M10)."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from include.frames import CLIENTS, COMPANY_ACCOUNTS, DECISIONS
from include.mapping.accounts import hold_ambiguous_accounts, names_to_find
from include.matching.explain import explain
from include.settings.model import Settings
from tests.mapping.people import USER, Around, creates, links, mapped, rows_of, told
from tests.matching.builders import (
    ACCOUNT_1,
    ACCOUNT_2,
    CONTACT_1,
    EARLY,
    LATE,
    Row,
    client,
    decided,
    frame,
)


def account(account_id: str, name: str, **values: object) -> Row:
    return {"account_id": account_id, "name": name, "created_at": EARLY, "modified_at": EARLY, **values}


def refs(clients: Sequence[Row], accounts: Sequence[Row] = (), **settings: object) -> list[object]:
    """Return the Account of each client's Contact: an Id, the name of one to be created, or None."""
    found = mapped(clients, around=Around(accounts=accounts), entity_type="contact", **settings)
    names = {row["account_ref"]: row["Name"] for row in rows_of(found.accounts)}
    return [names.get(row["account_ref"], row["account_ref"]) for row in rows_of(found.people)]


@pytest.mark.rule("M10")
def test_a_contact_belongs_to_the_account_of_its_company_s_name() -> None:
    accounts = [account(ACCOUNT_1, "Microsoft"), account(ACCOUNT_2, "Microsoft Inc.")]
    for company in ("Microsoft", " microsoft\n", "MICROSOFT"):
        assert refs([client("1", company=company)], accounts) == [ACCOUNT_1]
    assert refs([client("1", company="Microsoft Inc.")], accounts) == [ACCOUNT_2]


@pytest.mark.rule("M10")
@pytest.mark.parametrize(
    "company",
    ["Microsoft Inc", "Micro soft", "Microsöft", "\N{CYRILLIC CAPITAL LETTER EM}icrosoft", "Microsoft."],
)
def test_a_name_that_differs_is_another_company(company: str) -> None:
    assert refs([client("1", company=company)], [account(ACCOUNT_1, "Microsoft")]) == [company]


@pytest.mark.rule("M10")
def test_inner_blanks_tell_names_apart() -> None:
    accounts = [account(ACCOUNT_1, "Big  Bakery"), account(ACCOUNT_2, "Big Bakery")]
    clients = [client("1", company="Big Bakery"), client("2", company="Big  Bakery")]
    assert refs(clients, accounts) == [ACCOUNT_2, ACCOUNT_1]


@pytest.mark.rule("M10")
@pytest.mark.rule("M8")
def test_clients_of_one_new_company_share_one_new_account() -> None:
    clients = [client("10", company="bakery "), client("9", company="Bakery"), client("11", company="Mill")]
    found = mapped(clients, entity_type="contact")
    assert [[row["client_id"], row["Name"]] for row in told(found.accounts)] == [
        ["9", "Bakery"],
        ["11", "Mill"],
    ]
    of_9, of_10, of_11 = found.people["account_ref"]
    assert of_9 == of_10 != of_11


@pytest.mark.rule("M8")
def test_the_identity_of_a_company_is_the_same_in_every_run() -> None:
    first = mapped([client("1", company="Bakery")], entity_type="contact").accounts
    again = mapped([client("77", company=" BAKERY")], entity_type="contact").accounts
    assert first["identity"].tolist() == again["identity"].tolist()


@pytest.mark.rule("M10")
def test_duplicates_may_be_left_to_the_organisation() -> None:
    clients = [client("1", company="Bakery"), client("2", company="Bakery")]
    found = mapped(
        clients,
        around=Around(accounts=[account(ACCOUNT_1, "Bakery")]),
        entity_type="contact",
        account_deduplication="leave_duplicates",
    )
    assert found.accounts["Name"].tolist() == ["Bakery", "Bakery"]
    assert found.accounts["identity"].tolist() == ["account-of:id-of-new:1", "account-of:id-of-new:2"]


@pytest.mark.rule("M10")
@pytest.mark.parametrize("deduplication", ["automatic", "leave_duplicates"])
def test_a_contact_without_company_has_an_account_of_its_own_that_is_never_shared(deduplication: str) -> None:
    clients = [client("1", company=None), client("2", company=" ")]
    accounts = [account(ACCOUNT_1, "Ana Gómez")]
    settings = {"account_deduplication": deduplication}
    assert refs(clients, accounts, **settings) == ["Ana Gómez", "Ana Gómez"]
    found = mapped(clients, entity_type="contact", **settings)
    assert found.accounts["identity"].tolist() == ["account-of:id-of-new:1", "account-of:id-of-new:2"]


@pytest.mark.rule("M10")
def test_an_account_of_one_s_own_is_named_by_the_name_there_is() -> None:
    assert refs([client("1", first_name="Madonna", last_name=None)]) == ["Madonna"]


@pytest.mark.rule("M10")
@pytest.mark.parametrize("deduplication", ["automatic", "leave_duplicates"])
def test_contacts_without_company_may_share_a_placeholder(deduplication: str) -> None:
    settings = {"contact_without_company": "placeholder_account", "account_deduplication": deduplication}
    clients = [client("1"), client("2"), client("3", company="Bakery")]
    found = mapped(clients, entity_type="contact", **settings)
    assert found.accounts["Name"].tolist() == ["[not provided]", "Bakery"]
    known = [account(ACCOUNT_1, "[Not provided]")]
    assert refs(clients, known, **settings) == [ACCOUNT_1, ACCOUNT_1, "Bakery"]


@pytest.mark.rule("M10")
def test_contacts_without_company_may_have_no_account() -> None:
    clients = [client("1"), client("2", company="Bakery")]
    assert refs(clients, contact_without_company="no_account") == [None, "Bakery"]


@pytest.mark.rule("M6")
@pytest.mark.rule("M10")
@pytest.mark.parametrize(
    ("policy", "taken"), [("oldest", ACCOUNT_2), ("most_recently_modified", ACCOUNT_1), ("hold", None)]
)
def test_of_several_accounts_of_one_name_the_policy_takes_one(policy: str, taken: str | None) -> None:
    accounts = [
        account(ACCOUNT_1, "Bakery", created_at=LATE, modified_at=LATE),
        account(ACCOUNT_2, "bakery"),
    ]
    if taken is not None:
        assert refs([client("1", company="Bakery")], accounts, ambiguous_match=policy) == [taken]
    held = held_by([client("1", company="Bakery"), client("2", company="Mill")], accounts, policy)
    assert held == ([] if taken else ["1"])


def held_by(clients: Sequence[Row], accounts: Sequence[Row], policy: str) -> list[str]:
    settings = Settings.model_validate({"entity_type": "contact", "ambiguous_match": policy})
    decisions = frame(DECISIONS, [creates(str(row["client_id"]), sobject="Contact") for row in clients])
    found = hold_ambiguous_accounts(
        decisions, frame(CLIENTS, clients), frame(COMPANY_ACCOUNTS, accounts), settings
    )
    held: list[str] = found.loc[found["reason"].eq("ambiguous_account"), "client_id"].tolist()
    return held


@pytest.mark.rule("M9")
@pytest.mark.rule("M10")
def test_whoever_waits_for_the_choice_of_an_account_is_held_with_all_rows_and_told_why() -> None:
    settings = Settings.model_validate({"entity_type": "contact", "ambiguous_match": "hold"})
    clients = [client("1", company="Bakery"), client("2", company="Mill"), client("3", email=None)]
    decisions = decided(clients, entity_type="contact", ambiguous_match="hold").decisions
    accounts = [account(ACCOUNT_1, "Bakery"), account(ACCOUNT_2, "Bakery")]
    found = hold_ambiguous_accounts(
        decisions, frame(CLIENTS, clients), frame(COMPANY_ACCOUNTS, accounts), settings
    )
    actions = found.set_index("client_id")
    assert actions["action"].to_dict() == {"1": "hold", "2": "hold", "3": "create"}
    assert actions.loc["1", ["reason", "person_ref"]].tolist()[0] == "ambiguous_account"
    assert actions.loc[["1", "2"], ["person_ref", "sobject", "record_id"]].isna().all(axis=None)
    told_why = json.loads(actions.loc["1", "explanation"])
    assert (told_why["action"], told_why["accounts"]) == ("hold", f"{ACCOUNT_1} {ACCOUNT_2}")
    assert f"Accounts of that name: {ACCOUNT_1}, {ACCOUNT_2}." in explain(actions.loc["1", "explanation"])


@pytest.mark.rule("M10")
def test_accounts_are_only_looked_for_where_new_contacts_share_them() -> None:
    clients = frame(
        CLIENTS,
        [client("1", company=" Bakery "), client("2"), client("3", company="Mill"), client("4", company="")],
    )
    decisions = frame(DECISIONS, [creates("1"), creates("2"), links("3", CONTACT_1), creates("4")])

    def looked_for(**settings: str) -> set[str]:
        return set(names_to_find(decisions, clients, Settings.model_validate(settings)))

    assert looked_for(entity_type="contact") == {"Bakery"}
    assert looked_for(entity_type="contact", account_deduplication="leave_duplicates") == set()
    placeholder = {"entity_type": "contact", "contact_without_company": "placeholder_account"}
    assert looked_for(**placeholder) == {"Bakery", "[not provided]"}
    assert looked_for() == looked_for(entity_type="person_account") == set()


@pytest.mark.rule("M11")
def test_an_account_made_for_a_contact_has_the_contact_s_owner() -> None:
    found = mapped([client("1", company="Bakery")], entity_type="contact", default_owner=USER)
    assert found.accounts["OwnerId"].tolist() == found.people["OwnerId"].tolist() == [USER]


@pytest.mark.rule("Q1")
def test_no_account_is_created_for_contacts_that_are_quarantined() -> None:
    clients = [client("1", company="Bakery", email="none"), client("2", company="Mill")]
    assert mapped(clients, entity_type="contact").accounts["Name"].tolist() == ["Mill"]


@pytest.mark.rule("F4")
def test_a_company_too_long_for_an_account_is_refused_or_counts_as_none() -> None:
    clients = [client("1", company="x" * 256), client("2", company="x" * 255)]
    refused, fits = rows_of(mapped(clients, entity_type="contact").people)
    assert (refused["reason"], fits["reason"]) == ("value_too_long", None)
    assert refused["detail"] == "Account.Name is longer than 255 characters"
    found = mapped(clients, entity_type="contact", on_invalid_field="drop_and_report")
    assert found.accounts["Name"].tolist() == ["Ana Gómez", "x" * 255]
    assert told(found.reports) == [
        {"client_id": "1", "sobject": "Contact", "field": "Account.Name", "report": "value_dropped"}
    ]
