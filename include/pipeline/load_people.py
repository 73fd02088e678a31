"""Create the people that Events need, and commit who is who (design §2, rules M7 to M9, M11).

First commit point of a run: person links are committed as their results become known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.errors import SkipRun
from include.frames import PERSON_REFUSALS, TEXT
from include.ledger.contracts import PEOPLE_RESULTS
from include.mapping.fields import CLIENT_KEY
from include.matching.evidence import Evidence
from include.pipeline.accounting import counted_calls
from include.pipeline.artifacts import (
    LOAD_PEOPLE,
    MATCH,
    Manifest,
    read_checked_events,
    read_checked_people,
    read_decisions,
)
from include.pipeline.check_org import written_fields
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.loading import Load, Loader, choose_api, is_class, refusal_details
from include.pipeline.person_keys import find_by_key
from include.reasons import Reason
from include.salesforce.error_codes import RetryClass
from include.settings.model import DuplicateRules, Settings

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_CHUNK: Final = 25_000
SAVE_DUPLICATES: Final = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
REFUSALS: Final = "refusals"


def load_people(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Commit the links of people who were found, create the others that a loadable pair needs, and return counts.

    Raises:
        SkipRun: the run is a dry run.
        OrgExhaustedError, SalesforceUnavailableError: people who are not created stay pending; the task is retried.
    """
    if run.dry_run:
        msg = "A dry run ends with its plan; nothing is written."
        raise SkipRun(msg)
    with counted_calls(run, wiring, LOAD_PEOPLE):
        manifest = Manifest.read_from(run, wiring)
        settings = wiring.ledger.settings_at(manifest.settings_version)
        wiring.ledger.bind_namespace(settings.settings.key_namespace, now=run.now)
        decisions = read_decisions(run, wiring)
        _commit_found(run, wiring, decisions, settings.version)
        people = _needed(run, wiring, manifest)
        loader = PersonLoader(run, wiring, settings.settings, settings.version, decisions)
        return loader.load(people)


def _commit_found(run: SyncRun, wiring: Wiring, decisions: pd.DataFrame, settings_version: int) -> None:
    """Commit decisions, follow converted and merged records, and link the clients whose record was found."""
    ledger = wiring.ledger
    ledger.record_decisions(run.run_id, decisions, settings_version=settings_version, now=run.now)
    forwards = wiring.staging.read_frame(run.run_id, MATCH, "forwards", None)
    if not forwards.empty:
        ledger.follow_people(forwards)
    retired = wiring.staging.read_json(run.run_id, MATCH, "retired_claims")
    if retired:
        ledger.retire_claims(retired, run.now)
    found = decisions[(decisions["action"] == "link") & (decisions["evidence"] != Evidence.KEPT_LINK)]
    links = found[["client_id", "sobject", "record_id", "who_id", "evidence", "claim_key"]].assign(
        created_by_us=found["evidence"] == Evidence.CLAIM_KEY, values=None
    )
    ledger.record_people(
        run.run_id, PEOPLE_RESULTS.conform(links), settings_version=settings_version, now=run.now
    )


def _needed(run: SyncRun, wiring: Wiring, manifest: Manifest) -> pd.DataFrame:
    """Return the loadable people; whom only quarantined or held pairs need is not created."""
    refs: set[str] = set()
    for chunk in range(manifest.chunks):
        events = read_checked_events(run, wiring, chunk)
        refs.update(events.loc[events["needs_person"], "person_ref"].dropna())
    people = read_checked_people(run, wiring)
    return people[people["outcome"].isna() & people["person_ref"].isin(refs)].reset_index(drop=True)


class PersonLoader:
    """Claims an identity for every new person, inserts them under the claim's key, and links their clients."""

    def __init__(
        self, run: SyncRun, wiring: Wiring, settings: Settings, settings_version: int, decisions: pd.DataFrame
    ) -> None:
        self._run = run
        self._wiring = wiring
        self._settings = settings
        self._version = settings_version
        self._decisions = decisions
        self._loader = Loader(run, wiring)
        self._counts = {"created": 0, "already_there": 0, "refused": 0}
        self._refusals: list[pd.DataFrame] = []

    def load(self, people: pd.DataFrame) -> dict[str, object]:
        """Create ``people`` (contract ``PEOPLE``) and return how many were created, already there, or refused."""
        import pandas as pd

        for recovered in self._loader.recover(LOAD_PEOPLE, 0):
            self._settle(recovered.rows, recovered.results)
        for sobject, rows in people.groupby("sobject"):
            total = len(rows)
            for start in range(0, total, ROWS_PER_CHUNK):
                self._insert(str(sobject), rows.iloc[start : start + ROWS_PER_CHUNK], total)
        refusals = pd.concat([PERSON_REFUSALS.empty(), *self._refusals], ignore_index=True)
        self._wiring.staging.write_frame(self._run.run_id, LOAD_PEOPLE, REFUSALS, refusals)
        return {"people": len(people), **self._counts}

    def _insert(self, sobject: str, people: pd.DataFrame, total: int, *, is_second_try: bool = False) -> None:
        claimed = self._claim(people)
        lost = self._send(sobject, claimed, total)
        if lost and not is_second_try:
            # The key is held by a converted or deleted record: it is retired, and the person gets a fresh one (M8).
            self._wiring.ledger.retire_claims(lost, self._run.now)
            again = claimed.loc[claimed[CLIENT_KEY].isin(lost), list(people.columns)]
            self._insert(sobject, again, len(again), is_second_try=True)

    def _claim(self, people: pd.DataFrame) -> pd.DataFrame:
        groups = people[["person_ref", "client_id", "sobject"]].merge(
            self._decisions[["client_id", "identities"]], on="client_id"
        )
        claims = self._wiring.ledger.claim_identities(
            self._run.run_id, groups, namespace=self._settings.key_namespace, now=self._run.now
        )
        keys = claims.set_index("person_ref")["claim_key"]
        return people.assign(**{CLIENT_KEY: people["person_ref"].map(keys)})

    def _send(self, sobject: str, people: pd.DataFrame, total: int) -> list[str]:
        """Insert people and settle each batch of results; return the keys that a dead record holds."""
        is_allowed = self._settings.duplicate_rules is DuplicateRules.ALLOW
        load = Load(
            step=LOAD_PEOPLE,
            chunk=0,
            sobject=sobject,
            operation="insert",
            rows=people,
            columns=tuple(
                name for name in written_fields(sobject) if name in people and people[name].notna().any()
            ),
            key_column=CLIENT_KEY,
            api=choose_api(self._settings.load_api, total),
            external_id_field=CLIENT_KEY,
            headers=SAVE_DUPLICATES if is_allowed else {},
        )
        return [key for results in self._loader.load(load) for key in self._settle(people, results)]

    def _settle(self, people: pd.DataFrame, results: pd.DataFrame) -> list[str]:
        created = results[results["is_success"]]
        self._counts["created"] += len(created)
        self._link(people, created[["key", "record_id"]].assign(who_id=created["record_id"]))
        duplicates = results[results["error_code"] == "DUPLICATE_VALUE"]
        lost = self._link_existing(people, duplicates) if len(duplicates) else []
        self._refuse(people, results[~results["is_success"] & ~results["key"].isin(duplicates["key"])])
        return lost

    def _link_existing(self, people: pd.DataFrame, duplicates: pd.DataFrame) -> list[str]:
        """Read by key the people whom another run created already ("duplicate value" means "already created", M8)."""
        rows = people[people[CLIENT_KEY].isin(duplicates["key"])]
        found = find_by_key(self._wiring.salesforce, str(rows["sobject"].iloc[0]), set(rows[CLIENT_KEY]))
        live = found[found["record_id"].notna()]
        self._counts["already_there"] += len(live)
        self._link(people, live)
        return sorted(set(rows[CLIENT_KEY]) - set(live["key"]))

    def _link(self, people: pd.DataFrame, records: pd.DataFrame) -> None:
        """Link every client of the created people.

        ``records`` has the columns key, record_id, who_id and, where it is not the planned one, sobject.
        """
        created = people.merge(records, left_on=CLIENT_KEY, right_on="key", suffixes=("_planned", ""))
        if created.empty:
            return
        fields = [name for name in written_fields(str(people["sobject"].iloc[0])) if name in people]
        created = created.assign(values=created[fields].to_json(orient="records", lines=True).splitlines())
        columns = ["person_ref", "sobject", "record_id", "who_id", "values", CLIENT_KEY]
        members = self._decisions[["client_id", "person_ref"]].merge(created[columns], on="person_ref")
        links = members.rename(columns={CLIENT_KEY: "claim_key"}).assign(
            created_by_us=True, evidence=str(Evidence.NEW)
        )
        self._wiring.ledger.record_people(
            self._run.run_id, PEOPLE_RESULTS.conform(links), settings_version=self._version, now=self._run.now
        )

    def _refuse(self, people: pd.DataFrame, refused: pd.DataFrame) -> None:
        import pandas as pd

        if refused.empty:
            return
        self._counts["refused"] += len(refused)
        rows = people[["person_ref", CLIENT_KEY]].merge(refused, left_on=CLIENT_KEY, right_on="key")
        detail = refusal_details(rows, without_code="UNPROCESSED")
        reason = pd.Series(str(Reason.PERSON_NOT_WRITTEN), index=rows.index, dtype=TEXT)
        reason = reason.mask(is_class(rows, RetryClass.TRANSIENT), str(Reason.TRANSIENT_EXHAUSTED))
        reason = reason.mask(rows["is_unprocessed"], str(Reason.UNPROCESSED))
        self._refusals.append(
            PERSON_REFUSALS.conform(rows[["person_ref"]].assign(reason=reason, detail=detail))
        )
