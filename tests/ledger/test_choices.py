"""An administrator says which record a client is."""

from __future__ import annotations

import pandas as pd
import pytest
from sqlalchemy import select

from include.errors import ConfigurationError
from include.ledger.repository import Ledger
from include.ledger.tables import person_choices
from tests.ledger.builders import at, people

LEAD = "00Q000000000001AAA"
CONTACT = "003000000000001AAA"
ACCOUNT = "001000000000001AAA"


@pytest.mark.rule("M1")
def test_a_choice_links_the_client_by_the_strongest_evidence_and_is_audited(ledger: Ledger) -> None:
    ledger.record_people("run-1", people({"client_id": "7"}), settings_version=0, now=at(1))
    assert ledger.choose_person("7", CONTACT[:15], who="ada", now=at(2)) == CONTACT
    link = ledger.person_links(["7"]).iloc[0]
    assert (link["sobject"], link["record_id"], link["who_id"]) == ("Contact", CONTACT, CONTACT)
    assert (link["evidence"], link["created_by_us"]) == ("admin_choice", False)
    with ledger.engine.connect() as connection:
        (audit,) = connection.execute(select(person_choices)).mappings()
    assert (audit["client_id"], audit["record_id"], audit["replaced_id"]) == ("7", CONTACT, LEAD)
    assert (audit["chosen_by"], audit["chosen_at"]) == ("ada", at(2))


@pytest.mark.rule("M1")
def test_who_an_account_is_as_a_person_is_left_to_the_next_run(ledger: Ledger) -> None:
    ledger.choose_person("7", ACCOUNT, who="ada", now=at(2))
    link = ledger.person_links(["7"]).iloc[0]
    assert (link["sobject"], link["record_id"]) == ("Account", ACCOUNT)
    assert pd.isna(link["who_id"])


@pytest.mark.rule("M1")
@pytest.mark.parametrize("record_id", ["", "Ann", "005000000000001AAA", "00Q00000000000!"])
def test_what_is_no_persons_id_is_refused_and_changes_nothing(ledger: Ledger, record_id: str) -> None:
    with pytest.raises(ConfigurationError, match="Lead, Contact or Account"):
        ledger.choose_person("7", record_id, who="ada", now=at(2))
    assert ledger.person_links(["7"]).empty
