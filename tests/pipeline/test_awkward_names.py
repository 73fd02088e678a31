"""Names and e-mails of every script and every accident: the right record, or a reason that a person understands."""

# ruff: noqa: RUF001 -- letters that look like others are what is tested
from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from include.reasons import Reason
from tests.pipeline.cases import Cases
from tests.pipeline.world import World

COMBINING = "Zoe\u0308"
RIGHT_TO_LEFT = "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd"


class Awkward(NamedTuple):
    """A client's values, and what is right: what the record then says, or a reason."""

    values: dict[str, Any]
    stored: tuple[str | None, str] | Reason


def named(first: str | None, last: str | None, *, stored: tuple[str | None, str] | None = None) -> Awkward:
    """A name, and how Salesforce holds it: as it is, unless said otherwise."""
    return Awkward({"first_name": first, "last_name": last}, stored or (first, last or ""))


def mailed(email: str, reason: Reason) -> Awkward:
    return Awkward({"email": email}, reason)


NAMES: dict[str, Awkward] = {
    "Chinese": named("小明", "王"),
    "Japanese, half-width": named("ﾀﾛｳ", "山田"),
    "Korean": named("민준", "김"),
    "Cyrillic": named("Анна", "Толстая-Щёлкина"),
    "Greek, final sigma": named("Νίκος", "Παπαδόπουλος"),
    "Turkish dotless i": named("Işıl", "İnci"),
    "German sharp s": named("Jörg", "Groß"),
    "Arabic": named("محمد", "الأمين"),
    "Hebrew with points": named(RIGHT_TO_LEFT, "כהן"),
    "Hindi": named("कृष्ण", "शर्मा"),
    "Persian with a joiner": named("می\u200cخواهم", "رضایی"),
    "Thai": named("สมชาย", "ใจดี"),
    "combining marks": named(COMBINING, "A\u030angstro\u0308m"),
    "stacked marks": named("Z\u0351\u036b\u0343a\u0310lgo", "Text"),
    "emoji": named("👩🏽‍🚀", "🇨🇦 Lee"),
    "astral letters": named("𝓐𝓷𝓷", "𝕷𝖊𝖊"),
    "apostrophes": named("D'Arcy", "O'Brien’s"),
    "quotes": named('"Bob"', 'Lee "the Bee"'),
    "commas and semicolons": named("Lee, Ann", "a;b,c"),
    "backslashes": named("C:\\new", "back\\slash\\"),
    "a formula": named("=1+1", "=HYPERLINK(0)"),
    "a plus and an at": named("+Ann", "@Lee"),
    "markup": named("<b>Ann</b>", "&amp; Lee"),
    "a brace of a template": named("{client}", "{service} %s"),
    "the word null": named("null", "NULL"),
    "SOQL": named("' OR Id != '", "%_%"),
    "a newline": named("Ann\nMarie", "Lee\r\nSmith", stored=("Ann Marie", "Lee Smith")),
    "a tab and blanks": named(" Ann\tMarie ", "  Lee  Smith ", stored=("Ann Marie", "Lee Smith")),
    "control characters": named("An\x00n", "L\x1bee", stored=("An n", "L ee")),
    "#N/A": named("#N/A", "#N/A", stored=("N/A", "N/A")),
    "only a first name": named("Cher", None, stored=(None, "Cher")),
    "a blank last name": named("Madonna", "   ", stored=(None, "Madonna")),
    "only a last name": named(None, "Lee"),
    "one letter": named("A", "B"),
    "eighty letters": named("Ann", "L" * 80),
    "no name": Awkward({"first_name": None, "last_name": " "}, Reason.UNNAMED_CLIENT),
    "only invisible characters": Awkward(
        {"first_name": None, "last_name": "\u200b\ufeff"}, Reason.UNNAMED_CLIENT
    ),
    "a last name too long": Awkward({"last_name": "L" * 81}, Reason.VALUE_TOO_LONG),
    "emoji too long by their halves": Awkward({"last_name": "😀" * 41}, Reason.VALUE_TOO_LONG),
}

MAILS: dict[str, Awkward] = {
    "no at": mailed("ann.example.com", Reason.INVALID_EMAIL),
    "two at": mailed("ann@lee@example.com", Reason.INVALID_EMAIL),
    "no domain": mailed("ann@", Reason.INVALID_EMAIL),
    "no dot": mailed("ann@localhost", Reason.INVALID_EMAIL),
    "a space inside": mailed("ann lee@example.com", Reason.INVALID_EMAIL),
    "a word": mailed("none", Reason.INVALID_EMAIL),
    "two addresses": mailed("ann@example.com, bob@example.com", Reason.INVALID_EMAIL),
    "a formula": mailed("=cmd@", Reason.INVALID_EMAIL),
    "320 characters": mailed("a" * 64 + "@" + "b" * 60 + "." + "c" * 194, Reason.VALUE_TOO_LONG),
}


def register(world: World, entity_type: str, api: str) -> Cases:
    world.set_up_org(person_accounts=True)
    world.set(entity_type=entity_type, load_api=api, on_invalid_field="quarantine")
    cases = Cases(world)
    for name, awkward in {**NAMES, **{f"e-mail: {name}": mail for name, mail in MAILS.items()}}.items():
        cases.client(name, **awkward.values)
    return cases


def stored(cases: Cases, entity_type: str) -> dict[str, tuple[str | None, str] | Reason]:
    """Return by case the name that the record of its Event has, or why there is none."""
    sobject = {"lead": "Lead", "contact": "Contact", "person_account": "Contact"}[entity_type]
    names = {row["Id"]: (row["FirstName"], row["LastName"]) for row in cases.world.org.records(sobject)}
    events = {row["Coconut_Booking_Key__c"]: row["WhoId"] for row in cases.world.events()}
    rows = cases.world.ledger.quarantine_rows().to_dict("records")
    reasons = {row["booking_key"]: Reason(row["reason"]) for row in rows}
    return {name: names[events[key]] if key in events else reasons[key] for name, key in cases.keys.items()}


def right() -> dict[str, tuple[str | None, str] | Reason]:
    mails = {f"e-mail: {name}": mail.stored for name, mail in MAILS.items()}
    return {name: awkward.stored for name, awkward in NAMES.items()} | mails


@pytest.mark.rule("M3")
@pytest.mark.rule("M8")
@pytest.mark.rule("F4")
@pytest.mark.rule("Q1")
@pytest.mark.parametrize(
    ("entity_type", "api"),
    [("lead", "rest"), ("lead", "bulk"), ("contact", "bulk"), ("person_account", "rest")],
)
def test_every_name_ends_in_its_own_record_and_is_found_there_by_an_installation_that_knows_nothing(
    world: World, ledger_template: Path, entity_type: str, api: str
) -> None:
    cases = register(world, entity_type, api)
    counts = world.sync()
    assert stored(cases, entity_type) == right()
    refused = sum(isinstance(outcome, Reason) for outcome in right().values())
    assert (counts["created"], counts["quarantined"]) == (len(cases.keys) - refused, refused)
    before = {row["Coconut_Booking_Key__c"]: row["WhoId"] for row in world.events()}
    world.reinstall(ledger_template)
    world.sync()
    assert {row["Coconut_Booking_Key__c"]: row["WhoId"] for row in world.events()} == before
    assert sum(cases.created().values()) == len(before)


LOOK_ALIKES = {
    "Latin": "Ann",
    "Cyrillic A": "\u0410nn",
    "Greek Alpha": "\u0391nn",
    "with a diaeresis": "Änn",
}


@pytest.mark.rule("M3")
def test_letters_that_only_look_alike_are_different_people(world: World) -> None:
    for number, first_name in enumerate(LOOK_ALIKES.values(), start=1):
        world.client(number, first_name=first_name, last_name="Lee", email="ann@example.com")
        world.booking(10 + number, number)
    for number, first_name in enumerate(("ANN", "Ａｎｎ", "A\u200bnn"), start=11):
        world.client(number, first_name=first_name, last_name="lee", email="Ann@Example.COM")
        world.booking(10 + number, number)
    world.sync()
    who = {row["Coconut_Booking_Key__c"]: row["WhoId"] for row in world.events()}
    assert len({who[f"{10 + number}-{number}"] for number in range(1, 5)}) == 4
    assert {who[f"{10 + number}-{number}"] for number in range(11, 14)} == {who["11-1"]}


@pytest.mark.rule("F4")
@pytest.mark.parametrize("entity_type", ["lead", "contact"])
def test_a_value_that_a_field_refuses_can_be_left_out_and_is_reported(world: World, entity_type: str) -> None:
    world.set_up_org(person_accounts=True)
    world.set(entity_type=entity_type, on_invalid_field="drop_and_report")
    cases = Cases(world)
    for name, mail in MAILS.items():
        cases.client(name, **mail.values)
    cases.client("a company too long", company="C" * 256)
    counts = world.sync()
    assert (counts["created"], counts["quarantined"]) == (len(cases.keys), 0)
    reports = world.ledger.field_reports(counts["run_id"])
    company = {"lead": "Company", "contact": "Account.Name"}[entity_type]
    assert sorted(reports["field"]) == sorted([*["Email"] * len(MAILS), company])
    assert set(reports["report"]) == {"value_dropped"}
