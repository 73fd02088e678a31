"""Write the Events of one chunk, and record what Salesforce answered (design §2, rules S4, S9, S12, M7).

Second commit point of a run: Event links and payloads are committed per job or per call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import SkipRun
from include.frames import CLEAR, EVENTS, PERSON_REFUSALS, TEXT
from include.mapping.events import REKEYED_FROM
from include.mapping.plan import BOOKING_KEY, OWNER, PERSON, hash_payloads, parse_payloads
from include.pipeline.accounting import count_outcomes, counted_calls
from include.pipeline.artifacts import (
    CHECK,
    EVENTS_NAME,
    LOAD_EVENTS,
    LOAD_PEOPLE,
    Manifest,
    chunk_name,
    read_checked_events,
)
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.event_loads import SENT_AS, event_load, keys_sent, step_of
from include.pipeline.load_people import REFUSALS
from include.pipeline.loading import Loader, choose_api, is_class, refusal_details
from include.reasons import REASONS, Action, Outcome, Reason
from include.salesforce.error_codes import RetryClass
from include.settings.model import LoadApi, OnEventDeleted, Settings

if TYPE_CHECKING:
    import pandas as pd


def load_events(run: SyncRun, wiring: Wiring, chunk: int) -> dict[str, object]:
    """Write the chunk's Events, stage the outcome of every pair, and return the counts by outcome and action.

    Raises:
        SkipRun: the run is a dry run.
        OrgExhaustedError, SalesforceUnavailableError: what was not written stays pending; the task is retried.
    """
    if run.dry_run:
        msg = "A dry run ends with its plan; nothing is written."
        raise SkipRun(msg)
    with counted_calls(run, wiring, LOAD_EVENTS):
        manifest = Manifest.read_from(run, wiring)
        settings = wiring.ledger.settings_at(manifest.settings_version).settings
        total = int(wiring.staging.read_json(run.run_id, CHECK, "plan")["events_to_load"])
        api = choose_api(settings.load_api, total)
        loader = EventLoader(run, wiring, manifest, settings, api=api, chunk=chunk)
        outcomes = loader.load(read_checked_events(run, wiring, chunk))
        wiring.staging.write_frame(run.run_id, LOAD_EVENTS, chunk_name(EVENTS_NAME, chunk), outcomes)
        return {"chunk": chunk, **count_outcomes(outcomes)}


class EventLoader:
    """Writes one chunk; keeps the pairs as one frame indexed by booking key, and fills in their outcomes."""

    def __init__(
        self,
        run: SyncRun,
        wiring: Wiring,
        manifest: Manifest,
        settings: Settings,
        *,
        api: LoadApi,
        chunk: int,
    ) -> None:
        self._run = run
        self._wiring = wiring
        self._settings = settings
        self._manifest = manifest
        self._api = api
        self._chunk = chunk
        self._loader = Loader(run, wiring)
        self._pairs = EVENTS.empty()

    def load(self, events: pd.DataFrame) -> pd.DataFrame:
        """Return ``events`` with an outcome for every pair (contract ``EVENTS``)."""
        self._pairs = EVENTS.conform(events).set_index("booking_key", drop=False)
        self._recover()
        self._refuse_for_people()
        self._resolve_people()
        self._claim()
        self._skip_done()
        for action in SENT_AS:
            self._write(action)
        return self._pairs.reset_index(drop=True)

    @property
    def _fields(self) -> list[str]:
        """Return the Salesforce fields that the mappings in force fill."""
        return [name for name in map(str, self._pairs) if name not in EVENTS.columns and name != REKEYED_FROM]

    def _open(self, action: Action | None = None) -> pd.DataFrame:
        is_open = self._pairs["outcome"].isna()
        return self._pairs[is_open if action is None else is_open & (self._pairs["action"] == action)]

    def _settle(self, keys: pd.Index, reason: Reason, detail: pd.Series | str = "") -> None:
        text = REASONS[reason]
        self._pairs.loc[keys, "outcome"] = str(text.outcome)
        self._pairs.loc[keys, "reason"] = str(reason)
        self._pairs.loc[keys, "waits_for"] = str(text.waits_for)
        self._pairs.loc[keys, "detail"] = detail
        self._pairs.loc[keys, "action"] = str(Action.NONE)

    def _recover(self) -> None:
        """Commit what jobs of an interrupted attempt of this task did before anything is sent again."""
        for action in SENT_AS:
            for recovered in self._loader.recover(step_of(action), self._chunk):
                rows = recovered.rows.set_index("booking_key", drop=False)
                self._commit(action, rows, recovered.results, keys=keys_sent(action, rows))

    def _refuse_for_people(self) -> None:
        """Keep back the pairs whose person Salesforce did not take, with the reason it gave for the person.

        Also those whose Event is as it should be: a change of their person that Salesforce refused has to show (F4).
        """
        refusals = self._wiring.staging.read_frame(self._run.run_id, LOAD_PEOPLE, REFUSALS, PERSON_REFUSALS)
        by_person = refusals.drop_duplicates("person_ref").set_index("person_ref")
        is_concerned = self._pairs["outcome"].isna() & (self._pairs["action"] != Action.DELETE)
        is_concerned |= self._pairs["reason"].isin([Reason.SAME_AS_LAST_WRITTEN, Reason.SHARED_EVENT])
        self._keep_back(
            self._pairs[is_concerned & self._pairs["person_ref"].isin(by_person.index)], by_person
        )

    def _resolve_people(self) -> None:
        """Give Events of people created by this run their WhoId."""
        rows = self._open()
        waiting = rows[rows["desired_who_id"].isna() & rows["action"].isin([Action.CREATE, Action.UPDATE])]
        if waiting.empty:
            return
        links = self._wiring.ledger.person_links(waiting["client_id"].unique()).set_index("client_id")[
            "who_id"
        ]
        who = waiting["client_id"].map(links).astype(TEXT)
        self._pairs.loc[waiting.index, "desired_who_id"] = who
        self._pairs.loc[waiting.index, "WhoId"] = who
        self._keep_back(waiting[who.isna()], PERSON_REFUSALS.empty().set_index("person_ref"))

    def _keep_back(self, pairs: pd.DataFrame, refusals: pd.DataFrame) -> None:
        """Settle pairs with their person's refusal (``reason`` and ``detail`` by ``person_ref``)."""
        if pairs.empty:
            return
        reasons = pairs["person_ref"].map(refusals["reason"]).astype(TEXT).fillna(Reason.PERSON_NOT_WRITTEN)
        details = pairs["person_ref"].map(refusals["detail"]).astype(TEXT)
        for reason, rows in pairs.groupby(reasons):
            self._settle(rows.index, Reason(str(reason)), details.loc[rows.index])
        self._pairs.loc[pairs.index, "waits_for_key"] = pairs["client_id"]

    def _claim(self) -> None:
        """Claim each pair's version; a row older than the newest claim is not sent."""
        rows = self._open()
        if rows.empty:
            return
        columns = ["booking_key", "appointment_id", "client_id", "kind", "source_version"]
        claims = self._wiring.ledger.claim_versions(self._run.run_id, rows[columns].reset_index(drop=True))
        is_claimed = claims.set_index("booking_key")["is_claimed"]
        self._settle(is_claimed.index[~is_claimed], Reason.OVERTAKEN)

    def _skip_done(self) -> None:
        """Mark as written what an earlier attempt of this task wrote already, and look up Ids that deletes lack."""
        rows = self._open()
        if rows.empty:
            return
        links = self._wiring.ledger.event_links(rows["appointment_id"].unique()).set_index("booking_key")
        links = links.reindex(rows.index)
        is_same = (
            (links["written_version"] == rows["source_version"]).fillna(False).astype(bool)
            & (links["payload"] == rows["payload"])
            & (links["owner_id"] == rows["desired_owner_id"])
            & (links["who_id"] == rows["desired_who_id"])
            & links["event_id"].notna()
        )
        is_written = rows["action"].isin([Action.CREATE, Action.UPDATE]) & is_same
        is_gone = (rows["action"] == Action.DELETE) & rows["event_id"].notna() & links["event_id"].isna()
        done = rows.index[is_written | is_gone]
        self._pairs.loc[done, "outcome"] = str(Outcome.WRITTEN)
        self._pairs.loc[done, "event_id"] = links.loc[done, "event_id"].fillna(rows.loc[done, "event_id"])
        self._look_up_deletes()

    def _look_up_deletes(self) -> None:
        """Find by key the Events whose creation was under way when an earlier run was cut off."""
        deletes = self._open(Action.DELETE)
        unknown = deletes[deletes["event_id"].isna()]
        if unknown.empty:
            return
        events = self._wiring.salesforce.query_in(
            select=("Id", BOOKING_KEY),
            sobject="Event",
            field=BOOKING_KEY,
            values=set(unknown.index),
        ).set_index(BOOKING_KEY)["Id"]
        found = unknown.index.to_series().map(events).astype(TEXT)
        self._pairs.loc[unknown.index, "event_id"] = found
        self._settle(unknown.index[found.isna()], Reason.DELETED_WITHOUT_EVENT)

    def _write(self, action: Action) -> None:
        rows = self._open(action)
        if rows.empty:
            return
        keys = keys_sent(action, rows)
        load = event_load(action, rows, fields=self._fields, api=self._api, chunk=self._chunk)
        for results in self._loader.load(load):
            self._commit(action, rows, results, keys=keys)

    def _commit(
        self, action: Action, rows: pd.DataFrame, results: pd.DataFrame, *, keys: pd.Series[str]
    ) -> None:
        """Record one batch of results: ``rows`` is indexed by booking key, ``keys`` are those of ``keys_sent``."""
        answered = results.assign(booking_key=results["key"].map(keys)).dropna(subset=["booking_key"])
        answered = answered.set_index("booking_key")
        is_written = answered["is_success"]
        if action is Action.DELETE:
            is_written |= is_class(answered, RetryClass.PERSON)
        self._record(action, rows, answered[is_written])
        self._refuse(action, answered[~is_written])

    def _record(self, action: Action, rows: pd.DataFrame, written: pd.DataFrame) -> None:
        if written.empty:
            return
        done = rows.loc[written.index]
        event_id = written["record_id"].fillna(done["event_id"])
        rekeyed = done[done[REKEYED_FROM].notna()]
        if len(rekeyed):
            self._wiring.ledger.rekey_event(
                rekeyed[[REKEYED_FROM, "booking_key", "client_id"]]
                .rename(columns={REKEYED_FROM: "old_booking_key", "booking_key": "new_booking_key"})
                .rename(columns={"client_id": "new_client_id"})
                .reset_index(drop=True)
            )
        record = done.assign(
            event_id=event_id,
            who_id=done["desired_who_id"],
            owner_id=done["desired_owner_id"],
            payload_hash=hash_payloads(done["payload"]),
            action=str(action),
        )
        self._wiring.ledger.record_event_results(
            self._run.run_id,
            record.reset_index(drop=True),
            settings_version=self._manifest.settings_version,
            mapping_version=self._manifest.mapping_version,
            now=self._run.now,
        )
        known = written.index.intersection(self._pairs.index)
        self._pairs.loc[known, "outcome"] = str(Outcome.WRITTEN)
        self._pairs.loc[known, "event_id"] = event_id.loc[known]

    def _refuse(self, action: Action, refused: pd.DataFrame) -> None:
        refused = refused.loc[refused.index.intersection(self._pairs.index)]
        if refused.empty:
            return
        detail = refusal_details(refused)
        gone = self._deleted_by_users(action, refused)
        person = refused.index[is_class(refused, RetryClass.PERSON)].difference(gone)
        unprocessed = refused.index[refused["is_unprocessed"]]
        transient = refused.index[is_class(refused, RetryClass.TRANSIENT)]
        rest = refused.index.difference(gone).difference(person).difference(unprocessed).difference(transient)
        for keys, reason in (
            (person, Reason.PERSON_UNUSABLE),
            (unprocessed, Reason.UNPROCESSED),
            (transient, Reason.TRANSIENT_EXHAUSTED),
            (rest, Reason.REFUSED_BY_SALESFORCE),
        ):
            self._settle(keys, reason, detail.loc[keys])
            self._pairs.loc[keys, "waits_for_key"] = self._pairs.loc[keys, "client_id"]
        self._replace_deleted(gone)

    def _deleted_by_users(self, action: Action, refused: pd.DataFrame) -> pd.Index:
        """Return the pairs whose Event itself, not the person on it, was deleted by Salesforce users (rule S12)."""
        suspects = self._pairs.loc[refused.index[is_class(refused, RetryClass.PERSON)]]
        if action is not Action.UPDATE or suspects.empty:
            return suspects.index[:0]
        live = self._wiring.salesforce.query_in(
            select=("Id",), sobject="Event", field="Id", values=set(suspects["event_id"])
        )
        return suspects.index[~suspects["event_id"].isin(live["Id"])]

    def _replace_deleted(self, keys: pd.Index) -> None:
        """Write Events that Salesforce users deleted again, or leave them, as the setting says."""
        if keys.empty:
            return
        if self._settings.on_event_deleted_in_salesforce is OnEventDeleted.LEAVE:
            self._settle(keys, Reason.EVENT_DELETED_IN_SALESFORCE)
            return
        rows = self._pairs.loc[keys]
        names = [name for name in self._fields if name not in {PERSON, OWNER}]
        fields = parse_payloads(rows["payload"], names).set_axis(keys)
        values = fields.assign(**{PERSON: rows["desired_who_id"], OWNER: rows["desired_owner_id"]})
        self._pairs.loc[keys, values.columns] = values.mask(values == CLEAR)
        self._pairs.loc[keys, ["event_id", "action"]] = [None, str(Action.CREATE)]
