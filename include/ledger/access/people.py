"""People: claims, links, decisions, phones, reports of single fields, and memberships."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import pandas as pd

from include.ledger import (
    booking_history,
    campaigns,
    choices,
    claims,
    clock,
    field_reports,
    people,
    phone_index,
    written_values,
)
from include.ledger.access.base import LedgerAccess
from include.ledger.booking_history import BookingHistory
from include.ledger.engine import reading, writing
from include.ledger.phone_index import PhoneIndexState


class PeopleAccess(LedgerAccess):
    """Who each client is in Salesforce."""

    # --- people

    def person_links(self, client_ids: Collection[str]) -> pd.DataFrame:
        """Return the kept links of these clients (``frames.PERSON_LINKS``)."""
        with reading(self.engine) as connection:
            return people.links_of(connection, client_ids)

    def written_values(self, record_ids: Collection[str]) -> pd.DataFrame:
        """Return what we last wrote into these people's records (``frames.WRITTEN_VALUES``; M5)."""
        with reading(self.engine) as connection:
            return written_values.of_records(connection, record_ids)

    def phone_index_state(self, sobject: str) -> PhoneIndexState | None:
        """Return what the index of phones holds of an sObject, or nothing before it was first filled (M3)."""
        with reading(self.engine) as connection:
            return phone_index.state(connection, sobject)

    def phone_entries(self, phones: Collection[str]) -> pd.DataFrame:
        """Return the records that have one of these normalised phones (``contracts.PHONE_ENTRIES``)."""
        with reading(self.engine) as connection:
            return phone_index.entries_of(connection, phones)

    def fill_phone_index(self, sobject: str, entries: pd.DataFrame, reached: PhoneIndexState) -> None:
        """Put these entries in the place of all that the index held of an sObject."""
        with writing(self.engine) as connection:
            phone_index.fill(connection, sobject, entries, reached=reached, now=self._clock())

    def replace_phone_entries(self, record_ids: Collection[str], entries: pd.DataFrame) -> None:
        """Put these entries in the place of what the index held of these records."""
        with writing(self.engine) as connection:
            phone_index.replace(connection, record_ids, entries)

    def mark_phone_index(self, sobject: str, reached: PhoneIndexState) -> None:
        """Record up to which change of an sObject the index is current."""
        with writing(self.engine) as connection:
            phone_index.mark(connection, sobject, reached, now=self._clock())

    def person_claims(self, identities: Collection[str]) -> pd.DataFrame:
        """Return the claims of these identities, retired ones included (``frames.CLAIMS``)."""
        with reading(self.engine) as connection:
            return claims.of_identities(connection, identities)

    def claim_identities(
        self, run_id: str, groups: pd.DataFrame, *, namespace: str, now: datetime
    ) -> pd.DataFrame:
        """Claim each person before creation (``contracts.PERSON_GROUPS`` → ``CLAIMED_PEOPLE``; M8).

        An unretired claim of any identity of the group wins: a settled one before an unsettled, then the smallest key;
        the group's other identities lead to it from then on. Otherwise a key never handed out before is.
        """
        with writing(self.engine) as connection:
            return claims.claim(connection, run_id, groups, namespace=namespace, now=now)

    def foresee_keys(
        self, groups: pd.DataFrame, *, retired: Collection[str], namespace: str, now: datetime
    ) -> pd.DataFrame:
        """Return what ``claim_identities`` would return once these keys are retired, and claim nothing (T6)."""
        with writing(self.engine) as connection:
            trial = connection.begin_nested()
            claims.retire(connection, retired, now=now)
            foreseen = claims.claim(connection, "", groups, namespace=namespace, now=now)
            trial.rollback()
            return foreseen

    def settle_claims(self, records: pd.DataFrame) -> None:
        """Note the records created under keys that no client is linked by (``contracts.CLAIMED_RECORDS``; M10)."""
        with writing(self.engine) as connection:
            claims.settle(connection, records)

    def retire_claims(self, claim_keys: Collection[str], now: datetime) -> None:
        """Retire keys whose record was converted or deleted: they are not used again (M8)."""
        with writing(self.engine) as connection:
            claims.retire(connection, claim_keys, now=now)

    def record_people(
        self, run_id: str, links: pd.DataFrame, *, settings_version: int, now: datetime
    ) -> None:
        """Record who each client is in Salesforce (``contracts.PEOPLE_RESULTS``); the first commit point of a run.

        An administrator's choice made after ``now`` stays; an earlier one is replaced, because the run heard it first.
        """
        with writing(self.engine) as connection:
            moved_at = clock.advance(connection, now)
            people.record(
                connection, run_id, links, settings_version=settings_version, heard_at=now, now=moved_at
            )

    def record_decisions(
        self, run_id: str, decisions: pd.DataFrame, *, settings_version: int, now: datetime
    ) -> int:
        """Keep the decisions (``frames.DECISIONS``) that differ from their client's latest; return how many (M9)."""
        with writing(self.engine) as connection:
            decided_at = clock.advance(connection, now)
            return people.record_decisions(
                connection, run_id, decisions, settings_version=settings_version, now=decided_at
            )

    def latest_decision(self, client_id: str) -> dict[str, object] | None:
        """Return a client's latest decision as the columns of ``match_decisions``, if there is one."""
        with reading(self.engine) as connection:
            return people.latest_decision(connection, client_id)

    def booking_history(self, appointment_id: str, client_ids: Collection[str] = ()) -> BookingHistory:
        """Return what is known of a booking, of these clients, and of whoever else is known to have attended it."""
        with reading(self.engine) as connection:
            return booking_history.of_booking(connection, appointment_id, client_ids)

    def record_field_reports(self, run_id: str, reports: pd.DataFrame, *, now: datetime) -> None:
        """Keep what a run reports of single fields (``frames.FIELD_REPORTS``), in place of an earlier attempt's."""
        with writing(self.engine) as connection:
            field_reports.record(connection, run_id, reports, now=now)

    def field_reports(self, run_id: str) -> pd.DataFrame:
        """Return what a run reported of single fields (``frames.FIELD_REPORTS``)."""
        with reading(self.engine) as connection:
            return field_reports.of_run(connection, run_id)

    def person_link_rows(self, *, batch_rows: int = 50_000) -> Iterator[pd.DataFrame]:
        """Give all links in order of their client's id as text, in batches (``contracts.PERSON_LINK_ROWS``)."""
        after = ""
        while True:
            with reading(self.engine) as connection:
                batch = people.rows_after(connection, after, limit=batch_rows)
            if batch.empty:
                return
            after = str(batch["client_id"].iloc[-1])
            yield batch

    def linked_clients(self) -> frozenset[int]:
        """Return every client that has a link."""
        with reading(self.engine) as connection:
            return people.linked_clients(connection)

    def choose_person(self, client_id: str, record_id: str, *, who: str, now: datetime) -> str:
        """Say, as an administrator, which record a client is (M1); return the record's Id with 18 characters.

        What was held for want of a choice is read again by the next run, which also checks the record against the org.

        Raises:
            ConfigurationError: the Id is not one of a Lead, Contact or Account.
        """
        with writing(self.engine) as connection:
            return choices.choose(
                connection, client_id, record_id, who=who, now=clock.advance(connection, now)
            )

    # --- members of campaigns, M13

    def campaign_bookings_of_pairs(self, booking_keys: Collection[str]) -> pd.DataFrame:
        """Return those of these pairs that count towards a campaign (``frames.CAMPAIGN_BOOKINGS``)."""
        with reading(self.engine) as connection:
            return campaigns.bookings_of_pairs(connection, booking_keys)

    def campaign_bookings(self, client_ids: Collection[str], record_ids: Collection[str]) -> pd.DataFrame:
        """Return what counts of these clients and of all who are linked to these records (``CAMPAIGN_BOOKINGS``)."""
        with reading(self.engine) as connection:
            return campaigns.bookings_of_people(connection, client_ids, record_ids)

    def record_campaign_bookings(self, pairs: pd.DataFrame, *, now: datetime) -> None:
        """Record which pairs count towards which campaign (``contracts.SETTLED_CAMPAIGN_BOOKINGS``).

        A pair that is known in a newer version stays as it is.
        """
        with writing(self.engine) as connection:
            campaigns.record_bookings(connection, pairs, now=now)

    def campaign_members(self, record_ids: Collection[str]) -> pd.DataFrame:
        """Return what is known of these people's memberships (``contracts.CAMPAIGN_MEMBERS``)."""
        with reading(self.engine) as connection:
            return campaigns.members_of(connection, record_ids)

    def record_campaign_members(self, members: pd.DataFrame, *, now: datetime) -> None:
        """Keep what became of memberships (``contracts.CAMPAIGN_MEMBERS``); what is missing here stays as it was."""
        with writing(self.engine) as connection:
            campaigns.record_members(connection, members, now=now)

    def drop_campaign_notes(self, named: pd.DataFrame) -> None:
        """Drop the notes about names that lead to a Campaign by now (``contracts.NAMED_CAMPAIGNS``)."""
        with writing(self.engine) as connection:
            campaigns.drop_notes(connection, named)
