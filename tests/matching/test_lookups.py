"""What the org is asked, and what it is spared (rules M1, M2, M7)."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pandas as pd
import pytest

from include.frames import CANDIDATES, CLAIMS, CLIENTS, PERSON_LINKS
from include.matching.decide import decide
from include.matching.lookups import Lookups, next_lookups
from include.matching.normalise import normalise_phone
from include.settings.model import Settings
from tests.matching.builders import (
    CONTACT_1,
    LEAD_1,
    LEAD_2,
    Row,
    client,
    frame,
    link,
    stranger,
)
from tests.matching.worlds import ALGORITHMS, make_world

pytestmark = [pytest.mark.rule("M1"), pytest.mark.rule("M2"), pytest.mark.rule("M7")]


def asked(
    clients: Iterable[Row],
    *,
    links: Iterable[Row] = (),
    claims: Iterable[Row] = (),
    found: Iterable[Row] = (),
    done: Lookups | None = None,
    **settings: object,
) -> Lookups:
    return next_lookups(
        frame(CLIENTS, clients),
        frame(PERSON_LINKS, links),
        claims=frame(CLAIMS, claims),
        candidates=frame(CANDIDATES, found),
        settings=Settings.model_validate(settings),
        done=done or Lookups(),
    )


def test_known_ids_are_asked_for_before_anything_is_searched() -> None:
    lookups = asked(
        [client("1", salesforce_id=LEAD_1[:15]), client("2", salesforce_id="junk"), client("3")],
        links=[link("2", CONTACT_1)],
        claims=[{"identity": "client:3", "claim_key": "3", "record_id": LEAD_2}],
    )
    assert lookups == Lookups(
        record_ids={"Contact": frozenset({CONTACT_1}), "Lead": frozenset({LEAD_1, LEAD_2})}
    )


@pytest.mark.rule("M8")
def test_our_key_is_asked_for_where_the_ledger_knows_no_record_of_it() -> None:
    claim = {"identity": "client:1", "claim_key": "1", "record_id": None}
    assert asked([client("1")], claims=[claim]) == Lookups(client_keys=frozenset({"1"}))


@pytest.mark.rule("M8")
def test_our_key_is_asked_for_where_the_record_of_it_is_not_to_be_found() -> None:
    claim = {"identity": "client:1", "claim_key": "1", "record_id": LEAD_1}
    done = Lookups(record_ids={"Lead": frozenset({LEAD_1})})
    assert asked([client("1")], claims=[claim], done=done) == Lookups(client_keys=frozenset({"1"}))
    assert not asked([client("1")], claims=[claim], found=[stranger(LEAD_1)], done=done)


def test_where_a_record_went_is_asked_for_next() -> None:
    converted = stranger(LEAD_1, is_converted=True, converted_contact_id=CONTACT_1)
    done = Lookups(record_ids={"Lead": frozenset({LEAD_1})})
    lookups = asked([client("1")], links=[link("1", LEAD_1)], found=[converted], done=done)
    assert lookups == Lookups(record_ids={"Contact": frozenset({CONTACT_1})})


def test_a_client_whose_link_lives_is_not_searched() -> None:
    done = Lookups(record_ids={"Lead": frozenset({LEAD_1})})
    assert not asked([client("1")], links=[link("1", LEAD_1)], found=[stranger(LEAD_1)], done=done)


def test_a_client_whose_link_is_gone_is_searched() -> None:
    done = Lookups(record_ids={"Lead": frozenset({LEAD_1})})
    lookups = asked([client("1")], links=[link("1", LEAD_1)], done=done)
    assert lookups == Lookups(emails=frozenset({"ana@example.org"}))


def test_nobody_is_searched_who_is_disabled_deleted_or_lacks_evidence() -> None:
    clients = [
        client("1", sync_disabled=True),
        client("2", is_deleted=True, email="bo@example.org"),
        client("3", first_name="", email="cy@example.org"),
    ]
    assert not asked(clients)


@pytest.mark.parametrize(
    ("algorithm", "emails", "phones"),
    [
        ("name_and_email", {"ana@example.org"}, set()),
        ("email", {"ana@example.org", "bo@example.org"}, set()),
        ("phone_then_name_and_email", {"ana@example.org"}, {"14165550100"}),
        ("name_and_email_then_phone", {"ana@example.org"}, {"14165550100"}),
    ],
)
def test_each_algorithm_asks_for_what_it_compares(algorithm: str, emails: set[str], phones: set[str]) -> None:
    clients = [client("1", phone="(416) 555-0100"), client("2", last_name=None, email="bo@example.org")]
    assert asked(clients, matching_algorithm=algorithm) == Lookups(
        emails=frozenset(emails), phones=frozenset(phones)
    )


def test_an_e_mail_is_asked_for_in_its_own_spelling_where_normalising_changes_more_than_case() -> None:
    clients = [
        client("1", email=" Ana@Example.ORG"),
        client("2", email="Stra\N{LATIN SMALL LETTER SHARP S}e@x.org"),
    ]
    strasse = "stra\N{LATIN SMALL LETTER SHARP S}e@x.org"
    expected = {"ana@example.org", strasse, strasse.capitalize(), "strasse@x.org"}
    assert asked(clients).emails == expected


def test_nothing_is_asked_twice() -> None:
    done = Lookups(emails=frozenset({"ana@example.org"}))
    assert not asked([client("1")], done=done)


def test_lookups_add_and_subtract() -> None:
    one = Lookups(record_ids={"Lead": frozenset({LEAD_1})}, phones=frozenset({"1"}))
    other = Lookups(record_ids={"Lead": frozenset({LEAD_1, LEAD_2})}, client_keys=frozenset({"k"}))
    assert one | other == Lookups(
        record_ids={"Lead": frozenset({LEAD_1, LEAD_2})},
        phones=frozenset({"1"}),
        client_keys=frozenset({"k"}),
    )
    assert one - other == Lookups(phones=frozenset({"1"}))
    assert not (one - one)


class Org:
    """The records of worlds, found as Salesforce finds them: e-mails without case, phones through the index."""

    def __init__(self, records: pd.DataFrame) -> None:
        self.records = records
        self.phones = [
            normalise_phone(records[name], records["country"], default_region="US")
            for name in ("phone", "mobile_phone")
        ]

    def find(self, lookups: Lookups) -> pd.DataFrame:
        ids = frozenset[str]().union(*lookups.record_ids.values())
        is_found = (
            self.records["record_id"].isin(ids)
            | self.records["email"].str.strip().str.lower().isin({email.lower() for email in lookups.emails})
            | self.phones[0].isin(lookups.phones)
            | self.phones[1].isin(lookups.phones)
            | self.records["client_key"].isin(lookups.client_keys)
        )
        return self.records[is_found]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_was_asked_for_is_all_that_a_decision_needs(algorithm: str) -> None:
    random = Random(algorithm)
    settings = Settings.model_validate({"matching_algorithm": algorithm})
    worlds = [make_world(random, number, algorithm) for number in range(1, 60)]
    clients = frame(CLIENTS, [row for world in worlds for row in world.clients])
    links = frame(PERSON_LINKS, [row for world in worlds for row in world.links])
    claims = frame(CLAIMS, [row for world in worlds for row in world.claims])
    everything = frame(CANDIDATES, [row for world in worlds for row in world.records])
    org, found, done = Org(everything), CANDIDATES.empty(), Lookups()
    while lookups := next_lookups(
        clients, links, claims=claims, candidates=found, settings=settings, done=done
    ):
        found = pd.concat([found, org.find(lookups)]).drop_duplicates("record_id").reset_index(drop=True)
        done |= lookups
    decided = [
        decide(clients, links, claims=claims, candidates=known, settings=settings, settings_version=1)
        for known in (found, everything)
    ]
    assert len(found) < len(everything)
    columns = [
        "client_id",
        "person_ref",
        "action",
        "evidence",
        "reason",
        "claim_key",
        "followed_from",
        "who_id",
    ]
    pd.testing.assert_frame_equal(decided[0].decisions[columns], decided[1].decisions[columns])
    assert decided[0].retired_claims == decided[1].retired_claims
