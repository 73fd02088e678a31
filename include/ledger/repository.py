"""The one door to the ledger: every call is one transaction, and speaks in frames and records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import Engine

from include.ledger import (
    binding,
    booking_history,
    campaigns,
    choices,
    claims,
    client_outcomes,
    event_links,
    event_results,
    field_reports,
    jobs,
    mapping_store,
    migrate,
    moves,
    people,
    phone_index,
    quarantine,
    runs,
    settings_store,
    settling,
    staff,
    switches,
    written_values,
)
from include.ledger.booking_history import BookingHistory
from include.ledger.engine import configure, reading, writing
from include.ledger.jobs import JobRecord, JobState
from include.ledger.mapping_store import MappingsVersion
from include.ledger.phone_index import PhoneIndexState
from include.ledger.runs import RunState
from include.ledger.settings_store import SettingsVersion
from include.reasons import WaitsFor

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun
    from include.settings.field_mapping import FieldMapping
    from include.settings.model import Settings

__all__ = [
    "JobRecord",
    "JobState",
    "Ledger",
    "MappingsVersion",
    "PhoneIndexState",
    "RunState",
    "SettingsVersion",
]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Our own database, as the pipeline sees it.

    Every method is one transaction. All of them raise ``LedgerUnavailableError`` while the database does not answer.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] = _utc_now) -> None:
        """Wrap a migrated database; ``clock`` stamps what callers give no instant for."""
        self.engine = configure(engine)
        self._clock = clock

    @classmethod
    def open(cls, engine: Engine, *, now: datetime | None = None) -> Ledger:
        """Return the ledger in that database, created or brought up to date first; safe when several processes try.

        ``now`` becomes the day of installation where the ledger is new.

        Raises:
            LedgerUnavailableError: the database does not answer.
            ConfigurationError: it is neither PostgreSQL nor SQLite, or a newer release has migrated it.
        """
        ledger = cls(engine)
        migrate.bring_up_to_date(ledger.engine, now=now or _utc_now())
        return ledger

    # --- the org (Q10)

    def bind_org(self, org_id: str) -> None:
        """Record the org on the first call; on later ones check that it is still the same.

        Raises:
            LedgerConflictError: the ledger belongs to another org.
        """
        with writing(self.engine) as connection:
            binding.bind_org(connection, org_id)

    def bound_org(self) -> str | None:
        """Return the Id (18 characters) of the org the ledger belongs to, if any."""
        with reading(self.engine) as connection:
            return binding.bound_org(connection)

    def rebind_org(self, org_id: str, who: str) -> None:
        """Give the ledger to another org, as an administrator decided."""
        with writing(self.engine) as connection:
            binding.rebind_org(connection, org_id, who=who)

    def bound_namespace(self) -> str | None:
        """Return the ``key_namespace`` that this ledger's keys carry, or nothing before the first write."""
        with reading(self.engine) as connection:
            return binding.bound_namespace(connection)

    def bind_namespace(self, namespace: str, *, now: datetime) -> None:
        """Record the ``key_namespace`` before the first write; later calls change nothing."""
        with writing(self.engine) as connection:
            binding.bind_namespace(connection, namespace, now=now)

    # --- settings

    def current_settings(self) -> SettingsVersion:
        """Return the settings in force; version 0 holds the defaults while nothing was saved."""
        with reading(self.engine) as connection:
            return settings_store.current(connection)

    def settings_at(self, version: int) -> SettingsVersion:
        """Return the settings as they were at a version.

        Raises:
            LedgerConflictError: there is no such version.
        """
        with reading(self.engine) as connection:
            return settings_store.at_version(connection, version)

    def save_settings(self, settings: Settings, *, who: str, now: datetime) -> SettingsVersion:
        """Save settings as a new version and record every change; settings equal to the current ones are no version."""
        with writing(self.engine) as connection:
            return settings_store.save(connection, settings, who=who, now=now)

    # --- field mappings

    def current_mappings(self) -> MappingsVersion:
        """Return the field mappings in force; version 0 holds the defaults while nothing was saved."""
        with reading(self.engine) as connection:
            return mapping_store.current(connection)

    def mappings_at(self, version: int) -> MappingsVersion:
        """Return the field mappings as they were at a version.

        Raises:
            LedgerConflictError: there is no such version.
        """
        with reading(self.engine) as connection:
            return mapping_store.at_version(connection, version)

    def save_mappings(self, mappings: Iterable[FieldMapping], *, who: str, now: datetime) -> MappingsVersion:
        """Save mappings as a new version and record every change; mappings equal to the current ones are no version."""
        with writing(self.engine) as connection:
            return mapping_store.save(connection, mappings, who=who, now=now)

    # --- runs

    def open_run(self, run: SyncRun, *, settings_version: int, request: str | None = None) -> None:
        """Record that a run began, and which dirty keys it found; one that failed or wrote nothing runs again.

        ``request`` is JSON of what a person asked the run for.
        """
        with writing(self.engine) as connection:
            runs.open_run(connection, run, settings_version=settings_version, request=request)
            settling.see_dirty(connection, run)

    def was_planned(self, request: str, *, settings_version: int) -> bool:
        """Tell whether a dry run of this request, under these settings, ended with its plan (T6)."""
        with reading(self.engine) as connection:
            return runs.was_planned(connection, request, settings_version=settings_version)

    def finish_run(self, run_id: str, *, state: str, now: datetime) -> None:
        """Record how a run ended that never came to settle (``RunState``)."""
        with writing(self.engine) as connection:
            runs.finish_run(connection, run_id, state=RunState(state), now=now)

    def record_api_calls(self, run_id: str, *, task: str, attempt: str, calls: Mapping[str, int]) -> None:
        """Record a task attempt's API calls by kind; a second record of the same attempt replaces the first."""
        with writing(self.engine) as connection:
            runs.record_api_calls(connection, run_id, task=task, attempt=attempt, calls=calls)

    def api_calls(self, run_id: str) -> dict[str, int]:
        """Return a run's API calls by kind, summed over its tasks and attempts (Q8)."""
        with reading(self.engine) as connection:
            return runs.api_calls(connection, run_id)

    def run_counts(self, run_id: str) -> dict[str, int] | None:
        """Return the counts a run settled with, or nothing while it did not."""
        with reading(self.engine) as connection:
            return runs.run_counts(connection, run_id)

    def runs(self, limit: int = 50) -> pd.DataFrame:
        """Return the newest runs first (``contracts.RUNS``)."""
        with reading(self.engine) as connection:
            return runs.newest(connection, limit)

    # --- what a run reads

    def watermark(self, selection: str) -> tuple[datetime, int] | None:
        """Return ``(changed_at, id)`` up to which a selection was read, or nothing before its first run."""
        with reading(self.engine) as connection:
            return runs.watermark(connection, selection)

    def dirty_appointments(self, kinds: tuple[str, ...]) -> frozenset[int]:
        """Return the bookings of these kinds, or of no known kind, that must be read again."""
        with reading(self.engine) as connection:
            return moves.dirty_appointments(connection, kinds)

    def mark_dirty(self, pairs: pd.DataFrame, *, reason: str, now: datetime) -> None:
        """Have the next run read these pairs again (``contracts.READ_AGAIN``)."""
        with writing(self.engine) as connection:
            settling.mark_dirty(connection, pairs, reason=reason, now=now)

    def waiting(self, kinds: tuple[str, ...], waits_for: Iterable[WaitsFor]) -> pd.DataFrame:
        """Return the held, quarantined and disabled pairs that wait for one of these (``contracts.WAITING``)."""
        with reading(self.engine) as connection:
            return moves.waiting(connection, kinds, waits_for)

    def moved_appointments(
        self,
        kinds: tuple[str, ...],
        *,
        settings: SettingsVersion,
        moved_clients: Callable[[pd.DataFrame], set[str]],
        active_users: Callable[[set[str]], set[str]],
        now: datetime,
    ) -> frozenset[int]:
        """Return the bookings whose pairs wait for something that moved since the run that saw them last (Q2).

        Events whose staff link moved to a user who is not their owner come along (S7), and upcoming ones whose client
        was linked to somebody else (M1).

        Args:
            kinds: the selection's kinds; pairs of no known kind belong to every selection.
            settings: the settings in force.
            moved_clients: given a frame ``client_id, last_seen_at``, returns the clients that moved since.
            active_users: given Salesforce user Ids, returns those that are active now; not called without need.
            now: tells upcoming Events from past ones.
        """
        with reading(self.engine) as connection:
            return moves.moved_appointments(
                connection,
                kinds,
                settings=settings,
                moved_clients=moved_clients,
                active_users=active_users,
                now=now,
            )

    # --- Events

    def event_links(self, appointment_ids: Collection[str]) -> pd.DataFrame:
        """Return every link of these bookings (``frames.EVENT_LINKS``)."""
        with reading(self.engine) as connection:
            return event_links.links_of(connection, appointment_ids)

    def settled(self, appointment_ids: Collection[str]) -> pd.DataFrame:
        """Return the version and digest at which these bookings' pairs last settled (``contracts.SETTLED``)."""
        with reading(self.engine) as connection:
            return event_links.settled(connection, appointment_ids)

    def claim_versions(self, run_id: str, pairs: pd.DataFrame) -> pd.DataFrame:
        """Claim the right to write these versions (``contracts.PAIRS_TO_CLAIM`` → ``CLAIMED_PAIRS``).

        A pair is claimed unless a newer version was claimed before; who claims the same version again has it.
        """
        with writing(self.engine) as connection:
            return event_links.claim_versions(connection, run_id, pairs, now=self._clock())

    def record_event_results(
        self,
        run_id: str,
        results: pd.DataFrame,
        *,
        settings_version: int,
        mapping_version: int,
        now: datetime,
    ) -> None:
        """Record what was written to the org (``contracts.EVENT_RESULTS``); the second commit point of a run.

        A write that was overtaken by a newer claim marks its key dirty and leaves the written values unknown, so that
        the next run writes all of them.
        """
        with writing(self.engine) as connection:
            event_results.record(
                connection,
                run_id,
                results,
                settings_version=settings_version,
                mapping_version=mapping_version,
                now=now,
            )

    def rekey_event(self, rekeyed: pd.DataFrame) -> None:
        """Move Events from one pair of a booking to another (``contracts.REKEYED``; S4, a replaced attendee)."""
        with writing(self.engine) as connection:
            event_links.rekey(connection, rekeyed, now=self._clock())

    def follow_people(self, forwards: pd.DataFrame) -> None:
        """Move links from converted or merged records to their successors (``contracts.FORWARDS``; M7)."""
        with writing(self.engine) as connection:
            people.follow(connection, forwards, now=self._clock())
            campaigns.follow(connection, forwards, now=self._clock())

    def event_link_rows(self, *, batch_rows: int = 50_000) -> Iterator[pd.DataFrame]:
        """Give all links in order of their key, in batches (``contracts.EVENT_LINK_ROWS``)."""
        after = ""
        while True:
            with reading(self.engine) as connection:
                batch = event_links.rows_after(connection, after, limit=batch_rows)
            if batch.empty:
                return
            after = str(batch["booking_key"].iloc[-1])
            yield batch

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
            people.record(connection, run_id, links, settings_version=settings_version, now=now)

    def record_decisions(
        self, run_id: str, decisions: pd.DataFrame, *, settings_version: int, now: datetime
    ) -> int:
        """Keep the decisions (``frames.DECISIONS``) that differ from their client's latest; return how many (M9)."""
        with writing(self.engine) as connection:
            return people.record_decisions(
                connection, run_id, decisions, settings_version=settings_version, now=now
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
            return choices.choose(connection, client_id, record_id, who=who, now=now)

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

    # --- clients by themselves

    def disable_clients(self, client_ids: Collection[str], *, who: str, now: datetime) -> frozenset[str]:
        """Switch the sync of these clients off (T4); return those of whom it was on."""
        with writing(self.engine) as connection:
            return switches.switch(connection, client_ids, is_disabled=True, who=who, now=now)

    def enable_clients(self, client_ids: Collection[str], *, who: str, now: datetime) -> frozenset[str]:
        """Switch the sync of these clients on again (T4); return those of whom it was off."""
        with writing(self.engine) as connection:
            return switches.switch(connection, client_ids, is_disabled=False, who=who, now=now)

    def disabled_clients(self, client_ids: Collection[str]) -> frozenset[str]:
        """Return those of these clients whose sync is switched off here; Coconut's own flag is not ours."""
        with reading(self.engine) as connection:
            return switches.disabled(connection, client_ids)

    def settled_clients(self, client_ids: Collection[str]) -> pd.DataFrame:
        """Return how clients last settled by themselves: ``client_id, outcome, settled_version, settled_digest``."""
        with reading(self.engine) as connection:
            return client_outcomes.settled(connection, client_ids)

    def moved_clients(
        self, *, settings: SettingsVersion, active_users: Callable[[set[str]], set[str]]
    ) -> frozenset[int]:
        """Return the clients held, quarantined or disabled by themselves who wait for something that moved (Q2)."""
        with reading(self.engine) as connection:
            return client_outcomes.moved(connection, settings=settings, active_users=active_users)

    def client_status(self, client_id: str) -> dict[str, object] | None:
        """Return a client's row of the view ``client_status`` (T5), or nothing of a client the ledger never met."""
        with reading(self.engine) as connection:
            return client_outcomes.status(connection, client_id)

    # --- staff

    def staff_links(self) -> pd.DataFrame:
        """Return every staff link (``frames.STAFF_LINKS``)."""
        with reading(self.engine) as connection:
            return staff.links(connection)

    def save_staff_links(self, links: pd.DataFrame, now: datetime) -> int:
        """Save links (``frames.STAFF_LINKS``) and return how many moved; an administrator's yield only to another."""
        with writing(self.engine) as connection:
            return staff.save_links(connection, links, now=now)

    def staff_synced_at(self) -> datetime | None:
        """Return when staff links were last synced, if ever."""
        with reading(self.engine) as connection:
            return staff.synced_at(connection)

    def mark_staff_synced(self, now: datetime) -> None:
        """Record that staff links were synced."""
        with writing(self.engine) as connection:
            staff.mark_synced(connection, now=now)

    # --- jobs

    def plan_job(  # noqa: PLR0913 - the facts of one job, all by name
        self,
        *,
        run_id: str,
        step: str,
        chunk: int,
        part: int,
        sobject: str,
        operation: str,
        api: str,
        digest: str,
        staged_file: str | None,
        sent: int,
        now: datetime,
    ) -> JobRecord:
        """Return the job of this run, step, chunk and part: the one known already, else a new one in state planned."""
        planned = jobs.PlannedJob(
            run_id, step, chunk, part, sobject, operation, api, digest, staged_file, sent
        )
        with writing(self.engine) as connection:
            return jobs.plan(connection, planned, now=now)

    def update_job(self, number: int, /, *, now: datetime, **changes: str | int | None) -> JobRecord:
        """Change columns of the job with this ledger id (``JobRecord.id``) and return it.

        Raises:
            LedgerConflictError: there is no such job, or no such column to change.
        """
        with writing(self.engine) as connection:
            return jobs.update(connection, number, changes, now=now)

    def jobs(self, run_id: str, step: str | None = None, chunk: int | None = None) -> list[JobRecord]:
        """Return a run's jobs in order of step, chunk and part."""
        with reading(self.engine) as connection:
            return jobs.of_run(connection, run_id, step=step, chunk=chunk)

    # --- settle

    def settle(  # noqa: PLR0913 - the facts of one run, all by name
        self,
        run: SyncRun,
        outcomes: pd.DataFrame | Iterable[pd.DataFrame],
        *,
        counts: Mapping[str, int],
        watermark: tuple[datetime, int] | None,
        cleared_dirty: Collection[str],
        settings_version: int,
        state: str,
        now: datetime,
        clients: pd.DataFrame | None = None,
        watermark_name: str | None = None,
    ) -> None:
        """Commit a run's outcomes, quarantine, counts and, last, its watermark: the third commit point.

        All in one transaction, and idempotent for one run. What a newer claim has overtaken stays as it is; the
        watermark only moves forward.

        Args:
            run: the run; its clock (``run.now``) is what later moves are compared with.
            outcomes: ``contracts.OUTCOMES``, whole or in batches; every pair once.
            counts: the run's counts, kept as they are.
            watermark: ``(changed_at, id)`` reached, or nothing to leave it.
            cleared_dirty: booking keys or appointment ids that were read again; marks made since ``open_run`` stay.
            settings_version: the version the run read.
            state: a ``RunState``.
            now: the instant of settling.
            clients: ``contracts.CLIENT_OUTCOMES`` of the clients that the run was about by themselves.
            watermark_name: what the watermark is kept under, where it is not the run's selection.
        """
        batches = [outcomes] if isinstance(outcomes, pd.DataFrame) else outcomes
        totals = runs.Totals(counts=dict(counts), state=RunState(state), settings_version=settings_version)
        with writing(self.engine) as connection:
            settling.clear_dirty(connection, cleared_dirty, run_id=run.run_id)
            for batch in batches:
                settling.settle_batch(connection, run, batch, settings_version=settings_version, now=now)
            if clients is not None and len(clients):
                client_outcomes.record(connection, run, clients)
            runs.settle_run(connection, run, totals, now=now)
            if watermark is not None:
                runs.advance_watermark(connection, run, watermark, name=watermark_name, now=now)

    # --- quarantine

    def quarantine_rows(
        self, *, kinds: tuple[str, ...] | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """Return held, quarantined and disabled pairs, last seen first (``contracts.QUARANTINE_ROWS``)."""
        with reading(self.engine) as connection:
            return quarantine.rows(connection, kinds=kinds, limit=limit)

    def quarantine_counts(self) -> pd.DataFrame:
        """Return how many pairs there are by outcome and reason (``contracts.QUARANTINE_COUNTS``)."""
        with reading(self.engine) as connection:
            return quarantine.counts(connection)
