"""Which Salesforce record an administrator says a client is (M1, evidence 1), audited."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, insert, select

from include.errors import ConfigurationError
from include.frames import TEXT
from include.ledger import people, settings_store
from include.ledger.contracts import PEOPLE_RESULTS
from include.ledger.tables import person_choices, person_links
from include.matching.normalise import salesforce_id_18, sobject_of


def choose(connection: Connection, client_id: str, record_id: str, *, who: str, now: datetime) -> str:
    """Link a client to a record as an administrator says; return the record's Id with 18 characters.

    Raises:
        ConfigurationError: the Id is not one of a Lead, Contact or Account.
    """
    chosen = salesforce_id_18(pd.Series([record_id], dtype=TEXT))
    sobject = sobject_of(chosen)
    if sobject.isna().any():
        msg = (
            "The chosen record is not named by a Salesforce Id (15 or 18 characters) of a Lead, Contact or Account; "
            "copy the Id from the record's address."
        )
        raise ConfigurationError(msg)
    kept = select(person_links.c.record_id).where(person_links.c.client_id == client_id)
    audit = {
        "client_id": client_id,
        "record_id": chosen.iloc[0],
        "replaced_id": connection.execute(kept).scalar_one_or_none(),
        "chosen_by": who,
        "chosen_at": now,
    }
    connection.execute(insert(person_choices), [audit])
    link = pd.DataFrame(
        {
            "client_id": [client_id],
            "sobject": sobject,
            "record_id": chosen,
            # an Account's Events point at its Contact, which only the org knows: the next run notes it
            "who_id": chosen.mask(sobject.eq("Account")),
            "created_by_us": False,
            "evidence": people.ADMIN_CHOICE,
            "claim_key": None,
            "values": None,
        }
    )
    version = settings_store.current(connection).version
    people.record(
        connection,
        people.ADMIN_CHOICE,
        PEOPLE_RESULTS.conform(link),
        settings_version=version,
        heard_at=now,
        now=now,
    )
    return str(chosen.iloc[0])
