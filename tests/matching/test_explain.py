"""Every decision explains itself (rule M9)."""

from __future__ import annotations

import json

import pytest

from include.matching.explain import explain
from tests.matching.builders import (
    CONTACT_1,
    LEAD_1,
    LEAD_2,
    Row,
    client,
    decided,
    link,
    record,
    stranger,
)

pytestmark = pytest.mark.rule("M9")


def explained(clients: list[Row], records: list[Row], *, client_id: str = "1", **more: object) -> str:
    rows = decided(clients, records, **more).decisions  # type: ignore[arg-type]
    return explain(rows.set_index("client_id").loc[client_id, "explanation"])


def test_an_explanation_keeps_candidates_evidence_and_settings_in_compact_form() -> None:
    found = decided([client("1", salesforce_id=LEAD_2)], [record(LEAD_1), record(CONTACT_1)])
    assert json.loads(found.decisions["explanation"].iloc[0]) == {
        "settings": 7,
        "algorithm": "name_and_email",
        "entity_type": "lead",
        "action": "link",
        "evidence": "name_and_email",
        "record": CONTACT_1,
        "sobject": "Contact",
        "source_id": LEAD_2,
        "source_fate": "not_found",
        "candidates": f"{CONTACT_1} {LEAD_1}",
        "total": 2,
        "equals": 1,
        "ambiguous_match": "oldest",
    }


def test_an_explanation_names_a_few_candidates_and_counts_the_rest() -> None:
    records = [record(f"00Q0000000000{n}EAA") for n in range(10, 40)]
    facts = json.loads(decided([client("1")], records).decisions["explanation"].iloc[0])
    assert (facts["total"], facts["candidates"].split()) == (
        30,
        [str(row["record_id"]) for row in records[:5]],
    )


def test_an_explanation_holds_nothing_personal() -> None:
    person = client("1", salesforce_id='Ana "x":null', phone="4165550100")
    for found in (decided([person]), decided([person], [record(LEAD_1)])):
        text = found.decisions["explanation"].iloc[0]
        assert not [value for value in ("Ana", "mez", "example", "416", "null") if value in text]


@pytest.mark.parametrize(
    ("row", "records", "more", "sentence"),
    [
        ({}, [], {}, "a new Lead is created"),
        ({}, [record(LEAD_1)], {}, f"Record {LEAD_1} has the same first name, last name and e-mail."),
        ({"email": None}, [], {}, "lacks what the algorithm compares"),
        ({}, [stranger(LEAD_1)], {"links": [link("1", LEAD_1)]}, f"The link to record {LEAD_1} is kept"),
        (
            {},
            [stranger(LEAD_1)],
            {"links": [link("1", LEAD_1, evidence="admin_choice")]},
            f"An administrator chose record {LEAD_1}",
        ),
        ({"salesforce_id": LEAD_1}, [stranger(LEAD_1)], {}, f"Coconut holds the Salesforce Id {LEAD_1}"),
        (
            {},
            [],
            {"links": [link("1", LEAD_1)]},
            f"The earlier link to {LEAD_1} does not exist in this org, or our user may not see it.",
        ),
        ({"salesforce_id": "?"}, [], {}, "What Coconut holds is not a Salesforce Id."),
        (
            {"salesforce_id": LEAD_2},
            [stranger(LEAD_1), stranger(LEAD_2)],
            {"links": [link("1", LEAD_1)]},
            f"The earlier link to {LEAD_1} lost against source_id, which is heard first.",
        ),
        (
            {},
            [stranger(LEAD_1, is_converted=True, converted_contact_id=CONTACT_1), stranger(CONTACT_1)],
            {"links": [link("1", LEAD_1)]},
            f"It was found through {LEAD_1}, which was converted or merged into it.",
        ),
        (
            {},
            [stranger(LEAD_1, client_key="K")],
            {"claims": [{"identity": "client:1", "claim_key": "K"}]},
            f"Record {LEAD_1} carries the key K that was claimed for this person.",
        ),
        (
            {},
            [stranger(LEAD_1, client_key="K", is_deleted=True)],
            {"claims": [{"identity": "client:1", "claim_key": "K"}]},
            "The record of key K was deleted, and the key is not used again.",
        ),
        ({}, [record(LEAD_1), record(LEAD_2)], {}, "Of several, the oldest is taken."),
        ({}, [record(LEAD_1), record(LEAD_2)], {"ambiguous_match": "hold"}, "a person has to choose"),
        (
            {},
            [record(LEAD_1), record(CONTACT_1)],
            {},
            "1 of them is of the kind that entity type lead prefers.",
        ),
        ({"sync_disabled": True}, [], {}, "Sync is disabled for this client."),
        ({}, [], {"register_people": "off"}, "registering people is switched off"),
    ],
)
def test_plain_words_say_what_won_and_what_lost(
    row: dict[str, object], records: list[Row], more: dict[str, object], sentence: str
) -> None:
    assert sentence in explained([client("1", **row)], records, **more)


def test_plain_words_name_the_other_client_whose_record_it_is() -> None:
    words = explained([client("1"), client("2")], [stranger(LEAD_1)], links=[link("2", LEAD_1)])
    assert words == (
        f"This client has the same first name, last name and e-mail as client 2, whose record is {LEAD_1}. "
        "Settings version 7: algorithm name_and_email, entity type lead."
    )
