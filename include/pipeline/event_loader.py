"""Writes the Events of one chunk, and fills in what became of every pair (rules S4, S9, S12, M7, F4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.frames import EVENTS, PERSON_REFUSALS, TEXT
from include.mapping.events import REKEYED_FROM
from include.mapping.overlapping_writes import is_no_longer_so, with_missed_fields
from include.mapping.person_drafts import INSERT, UPDATE
from include.mapping.plan import OWNER, PERSON, hash_payloads
from include.mapping.refused_fields import TOLD, refused_values, tell_left_out, without_values
from include.pipeline.artifacts import LOAD_PEOPLE, REFUSALS_NAME
from include.pipeline.event_loads import (
    NEED_NOTHING,
    SENT_AS,
    already_written,
    event_load,
    kept_back,
    keys_sent,
    refusal_reasons,
    step_of,
    whole_events,
)
from include.pipeline.event_lookup import events_by_key, is_live
from include.pipeline.loading import Loader, is_class, refusal_details
from include.pipeline.refused_values import Droppable
from include.pipeline.unknown_writes import forget_events
from include.reasons import REASONS, Action, Outcome, Reason
from include.salesforce.error_codes import RetryClass
from include.settings.model import LoadApi, OnEventDeleted, Settings

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.artifacts import Manifest
    from include.pipeline.context import SyncRun, Wiring


_WRITTEN_MEANWHILE: Final = "legacy_event_written_meanwhile"


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
        self._droppable = Droppable.of_run(run, wiring, settings)
        self._pairs = EVENTS.empty()

    def load(self, events: pd.DataFrame) -> pd.DataFrame:
        """Return ``events`` with an outcome for every pair (contract ``EVENTS``)."""
        self._pairs = EVENTS.conform(events).set_index("booking_key", drop=False)
        self.recover(is_sent_again=True)
        if self._manifest.is_legacy:
            self._claim()
        else:
            self._refuse_for_people()
            self._resolve_people()
            self._look_up_rekeyed()
            self._claim()
            self._meet_links()
        for action in SENT_AS:
            self._write(action)
        return self._pairs.reset_index(drop=True)

    @property
    def _fields(self) -> list[str]:
        """Return the Salesforce fields that the mappings in force fill."""
        return [name for name in map(str, self._pairs) if name not in EVENTS.columns and name != REKEYED_FROM]

    @property
    def _payload_fields(self) -> list[str]:
        """Return those of the fields that make the payload, in their order."""
        return [name for name in self._fields if name not in {PERSON, OWNER}]

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

    def _open_again(self, keys: pd.Index, action: Action) -> None:
        """Have pairs written that needed nothing when the run was planned."""
        self._pairs.loc[keys, ["outcome", "reason", "waits_for", "action"]] = [None, None, None, str(action)]

    def _settle_by(self, reasons: pd.Series[str], details: pd.Series[str]) -> None:
        """Settle pairs that wait for their client, or for who that is, with a reason each (indexed by key)."""
        for reason, rows in reasons.groupby(reasons):
            self._settle(rows.index, Reason(str(reason)), details.loc[rows.index])
        self._pairs.loc[reasons.index, "waits_for_key"] = self._pairs.loc[reasons.index, "client_id"]

    def recover(self, *, is_sent_again: bool) -> None:
        """Commit what jobs of an interrupted attempt did; ``is_sent_again`` says that their rows are sent anew now."""
        forget = forget_events(self._run, self._wiring, is_sent_again=is_sent_again)
        for action in SENT_AS:
            for recovered in self._loader.recover(step_of(action), self._chunk, forget=forget):
                rows = recovered.rows.set_index("booking_key", drop=False)
                self._commit(action, rows, recovered.results, keys=keys_sent(action, rows))

    def _refuse_for_people(self) -> None:
        """Keep back the pairs whose person Salesforce did not take."""
        refusals = self._wiring.staging.read_frame(
            self._run.run_id, LOAD_PEOPLE, REFUSALS_NAME, PERSON_REFUSALS
        )
        kept = kept_back(self._pairs, refusals)
        self._settle_by(kept["reason"], kept["detail"])

    def _resolve_people(self) -> None:
        """Give Events of people created by this run their WhoId."""
        rows = self._open()
        waiting = rows[rows["desired_who_id"].isna() & rows["action"].isin([Action.CREATE, Action.UPDATE])]
        if waiting.empty:
            return
        links = self._wiring.ledger.person_links(waiting["client_id"].unique())
        who = waiting["client_id"].map(links.set_index("client_id")["who_id"]).astype(TEXT)
        self._pairs.loc[waiting.index, "desired_who_id"] = who
        self._pairs.loc[waiting.index, "WhoId"] = who
        missing = waiting[who.isna()].assign(reason=str(Reason.PERSON_NOT_WRITTEN))
        self._settle_by(missing["reason"], missing["detail"])

    def _look_up_rekeyed(self) -> None:
        """Leave alone the key of an Event that was made under it meanwhile; the one that was to pass on goes (S4).

        Only a run that was cut off, and took the attendees for two people, can have made it.
        """
        rows = self._open(Action.UPDATE)
        rows = rows[rows[REKEYED_FROM].notna()]
        found = events_by_key(self._wiring.salesforce, rows.index)
        rows = rows[found.notna() & (found != rows["event_id"])]
        fields = ["event_id", REKEYED_FROM, PERSON, OWNER]
        self._pairs.loc[rows.index, fields] = rows.assign(
            **{
                "event_id": found,
                REKEYED_FROM: None,
                PERSON: rows["desired_who_id"],
                OWNER: rows["desired_owner_id"],
            }
        )[fields]
        replaced = self._pairs.index.intersection(rows[REKEYED_FROM].tolist())
        self._open_again(replaced, Action.DELETE)

    def _claim(self) -> None:
        """Claim each pair's version; a row older than the newest claim is not sent.

        Pairs that need nothing are claimed too: an older version that is still under way must not come after them.
        """
        rows = self._pairs[self._pairs["outcome"].isna() | self._needs_nothing]
        if rows.empty:
            return
        columns = ["booking_key", "appointment_id", "client_id", "kind", "source_version"]
        claims = self._wiring.ledger.claim_versions(self._run.run_id, rows[columns].reset_index(drop=True))
        is_claimed = claims.set_index("booking_key")["is_claimed"]
        self._settle(is_claimed.index[~is_claimed], Reason.OVERTAKEN)

    @property
    def _needs_nothing(self) -> pd.Series[bool]:
        return self._pairs["reason"].isin(NEED_NOTHING)

    def _meet_links(self) -> None:
        """Compare the claimed pairs with what the ledger knows of them by now."""
        appointments = self._pairs.loc[
            self._pairs["outcome"].isna() | self._needs_nothing, "appointment_id"
        ].unique()
        if not len(appointments):
            return
        links = self._wiring.ledger.event_links(appointments).set_index("booking_key")
        self._reopen(links)
        self._have_read_again(links)
        self._skip_done(links)
        self._look_up_deletes()
        self._complete(links)

    def _reopen(self, links: pd.DataFrame) -> None:
        """Update the pairs that needed nothing when the run was planned, and to which another run wrote since."""
        rows = self._pairs[self._pairs["reason"] == Reason.SAME_AS_LAST_WRITTEN]
        links = links.reindex(rows.index)
        keys = rows.index[is_no_longer_so(rows, links, names=self._payload_fields)]
        self._open_again(keys, Action.UPDATE)
        self._pairs.loc[keys, "event_id"] = links.loc[keys, "event_id"]

    def _have_read_again(self, links: pd.DataFrame) -> None:
        """Have the next run read the pairs whose legacy Event was to stay, and that another run wrote since."""
        kept = self._pairs[self._pairs["reason"] == Reason.LEGACY_EVENT_KEPT]
        written = kept[~links["is_adopted"].reindex(kept.index).eq(True)]
        if len(written):
            pairs = written[["booking_key", "appointment_id"]].reset_index(drop=True)
            self._wiring.ledger.mark_dirty(pairs, reason=_WRITTEN_MEANWHILE, now=self._run.now)

    def _skip_done(self, links: pd.DataFrame) -> None:
        """Mark as written what an earlier attempt of this task wrote already."""
        rows = self._open()
        links = links.reindex(rows.index)
        is_written = already_written(rows, links, names=self._payload_fields)
        is_gone = (rows["action"] == Action.DELETE) & rows["event_id"].notna() & links["event_id"].isna()
        done = rows.index[is_written | is_gone]
        self._pairs.loc[done, "outcome"] = str(Outcome.WRITTEN)
        self._pairs.loc[done, "event_id"] = links.loc[done, "event_id"].fillna(rows.loc[done, "event_id"])
        is_left_out = refused_values(links.loc[done, "payload"], self._payload_fields).notna()
        self._pairs.loc[done, TOLD] = tell_left_out(rows.loc[done], is_left_out)

    def _complete(self, links: pd.DataFrame) -> None:
        """Send along what another run has written since this one was planned."""
        rows = self._open()
        rows = rows[rows["action"].isin([Action.CREATE, Action.UPDATE])]
        wire = with_missed_fields(rows, links.reindex(rows.index), names=self._payload_fields)
        self._pairs.loc[rows.index, wire.columns] = wire

    def _look_up_deletes(self) -> None:
        """Find by key the Events whose creation was under way when an earlier run was cut off."""
        deletes = self._open(Action.DELETE)
        unknown = deletes[deletes["event_id"].isna()]
        found = events_by_key(self._wiring.salesforce, unknown.index)
        self._pairs.loc[unknown.index, "event_id"] = found
        self._settle(unknown.index[found.isna()], Reason.DELETED_WITHOUT_EVENT)

    def _write(self, action: Action) -> None:
        rows = self._open(action)
        while len(rows):  # each round leaves out a value of every row
            keys = keys_sent(action, rows)
            load = event_load(action, rows, fields=self._fields, api=self._api, chunk=self._chunk)
            again: list[str] = []
            for results in self._loader.load(load):
                again += self._commit(action, rows, results, keys=keys)
            rows = self._pairs.loc[again]

    def _commit(
        self, action: Action, rows: pd.DataFrame, results: pd.DataFrame, *, keys: pd.Series[str]
    ) -> list[str]:
        """Record one batch of results, and return the booking keys of the rows to send again without a value.

        ``rows`` is indexed by booking key, ``keys`` are those of ``keys_sent``.
        """
        answered = results.assign(booking_key=results["key"].map(keys)).dropna(subset=["booking_key"])
        answered = answered.set_index("booking_key")
        is_written = answered["is_success"]
        if action is Action.DELETE:
            is_written |= is_class(answered, RetryClass.PERSON)
        self._record(action, rows, answered[is_written])
        refused = answered[~is_written & answered.index.isin(self._pairs.index)]
        cleaned = self._leave_out(action, rows, refused)
        self._refuse(action, refused.drop(cleaned.index))
        is_idle = cleaned[self._fields].isna().all(axis="columns")
        self._record(action, rows=cleaned[is_idle], written=refused.loc[cleaned.index[is_idle]])
        self._settle(cleaned.index[is_idle], Reason.SAME_AS_LAST_WRITTEN, cleaned.loc[is_idle, "detail"])
        return cleaned.index[~is_idle].tolist()

    def _leave_out(self, action: Action, rows: pd.DataFrame, refused: pd.DataFrame) -> pd.DataFrame:
        """Return the rows whose refused values can be left out, without these; the pairs say so too (rule F4)."""
        operation = INSERT if action is Action.CREATE else UPDATE
        again = self._droppable.without_refused(rows, refused, sobject="Event", operation=operation)
        if again.empty:
            return again
        names = self._payload_fields
        cleaned = without_values(rows, again, names=names)
        columns = [*names, "payload", *TOLD]
        self._pairs.loc[cleaned.index, columns] = cleaned[columns]
        return cleaned

    def _record(self, action: Action, rows: pd.DataFrame, written: pd.DataFrame) -> None:
        if written.empty:
            return
        done = rows.loc[written.index]
        done = done.assign(event_id=written["record_id"].fillna(done["event_id"]))
        if not self._manifest.is_legacy:  # the ledger knows of a legacy Event once it is taken over
            self._keep(action, done)
        known = written.index.intersection(self._pairs.index)
        self._pairs.loc[known, TOLD] = done.loc[known, TOLD]
        self._pairs.loc[known, "outcome"] = str(Outcome.WRITTEN)
        self._pairs.loc[known, "event_id"] = done.loc[known, "event_id"]

    def _keep(self, action: Action, done: pd.DataFrame) -> None:
        """Commit to the ledger what was written."""
        rekeyed = done[done[REKEYED_FROM].notna()]
        if len(rekeyed):
            self._wiring.ledger.rekey_event(
                rekeyed[[REKEYED_FROM, "booking_key", "client_id"]]
                .rename(columns={REKEYED_FROM: "old_booking_key", "booking_key": "new_booking_key"})
                .rename(columns={"client_id": "new_client_id"})
                .reset_index(drop=True)
            )
        record = done.assign(
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

    def _refuse(self, action: Action, refused: pd.DataFrame) -> None:
        if refused.empty:
            return
        gone = self._deleted_by_users(action, refused)
        self._settle_by(refusal_reasons(refused).drop(gone), refusal_details(refused))
        self._replace_deleted(gone)

    def _deleted_by_users(self, action: Action, refused: pd.DataFrame) -> pd.Index:
        """Return the pairs whose Event itself, not the person on it, was deleted by Salesforce users (rule S12)."""
        suspects = self._pairs.loc[refused.index[is_class(refused, RetryClass.PERSON)]]
        if action is not Action.UPDATE or suspects.empty:
            return suspects.index[:0]
        return suspects.index[~is_live(self._wiring.salesforce, suspects["event_id"])]

    def _replace_deleted(self, keys: pd.Index) -> None:
        """Write Events that Salesforce users deleted again, or leave them, as the setting says."""
        if keys.empty:
            return
        if self._manifest.is_legacy:
            self._settle(keys, Reason.NOT_SYNCED_BY_LEGACY, "its Event was deleted in Salesforce")
            return
        if self._settings.on_event_deleted_in_salesforce is OnEventDeleted.LEAVE:
            self._settle(keys, Reason.EVENT_DELETED_IN_SALESFORCE)
            return
        values = whole_events(self._pairs.loc[keys], names=self._payload_fields)
        self._pairs.loc[keys, values.columns] = values
        self._pairs.loc[keys, ["event_id", "action"]] = [None, str(Action.CREATE)]
