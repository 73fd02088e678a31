"""Insert records under the key of their identity's claim, so that whatever is sent twice lands once (rules M8, M10).

An identity is claimed in the ledger before its record is created, and the record carries the claim's key in a unique
field: a retry, another run and another client row of the same person all arrive at that one record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from include.frames import CLAIM, RESULTS, TEXT, FrameContract
from include.mapping.fields import CLIENT_KEY
from include.matching.evidence import Evidence
from include.pipeline.duplicate_rules import HEADERS, DuplicateRuleAnswers
from include.pipeline.loading import Load, Loader, choose_api
from include.salesforce.error_codes import DUPLICATE_VALUE

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring
    from include.settings.model import Settings

KEYED_ROWS: Final = FrameContract(
    "keyed_rows",
    {
        # rows to insert; a wire frame
        "ref": TEXT,  # what the run calls the record until it has an Id
        "client_id": TEXT,  # what a new key is made of
        "identities": TEXT,  # joined by a space
        "sobject": TEXT,
    },
    wire_fields=True,
    personal=frozenset({"identities", "ref"}),
)

KEYED_RECORDS: Final = FrameContract(
    "keyed_records",
    {
        "ref": TEXT,
        "key": TEXT,  # Coconut_Client_Key__c; missing on records that are not ours
        "sobject": TEXT,
        "record_id": TEXT,
        "who_id": TEXT,
        "evidence": TEXT,  # new, or duplicate_rule
        "rule": TEXT,  # the duplicate rule that reported the record
        "is_created": CLAIM,  # by this very write
        "is_ours": CLAIM,  # carries our key
    },
    personal=frozenset({"ref"}),
)


class RecordLookups(Protocol):
    """How records of a kind are found again."""

    def by_key(self, sobject: str, keys: Collection[str]) -> pd.DataFrame:
        """Return the live records that keys lead to: ``key``, ``sobject``, ``record_id``, ``who_id``."""

    def by_ids(self, record_ids: Collection[str]) -> pd.DataFrame:
        """Return the usable records behind Ids: ``found_id``, ``sobject``, ``record_id``, ``who_id``."""

    def who_ids(self, sobject: str, record_ids: pd.Series[str]) -> pd.Series[str]:
        """Return what Events of new records point at, with the index of ``record_ids``."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """What became of one batch: the rows, the records that stand for them, and the refusals of the others.

    ``rows`` follows ``KEYED_ROWS`` and has their key, ``records`` follows ``KEYED_RECORDS``; ``refused`` are results
    (contract ``RESULTS``) with the column ``ref``.
    """

    rows: pd.DataFrame
    records: pd.DataFrame
    refused: pd.DataFrame


def keyed_load(rows: pd.DataFrame, *, settings: Settings, step: str, total: int) -> Load:
    """Return the load of rows (``KEYED_ROWS`` with their key) of one sObject, of which the run has ``total``."""
    wire = [name for name in rows.columns if name not in KEYED_ROWS.columns and name != CLIENT_KEY]
    return Load(
        step=step,
        chunk=0,
        sobject="" if rows.empty else str(rows["sobject"].iloc[0]),
        operation="insert",
        rows=rows,
        columns=(*(name for name in wire if rows[name].notna().any()), CLIENT_KEY),
        key_column=CLIENT_KEY,
        api=choose_api(settings.load_api, total),
        external_id_field=CLIENT_KEY,
        headers=HEADERS[settings.duplicate_rules],
    )


class KeyedInserts:
    """Inserts the records of one step of a run."""

    def __init__(
        self,
        run: SyncRun,
        wiring: Wiring,
        settings: Settings,
        *,
        step: str,
        lookups: RecordLookups,
        parent_column: str | None = None,
        assignment_rule_id: str | None = None,
    ) -> None:
        """Set up a step.

        Args:
            run: the run.
            wiring: its adapters.
            settings: its settings.
            step: the name that the step's jobs have in the ledger.
            lookups: how records of this kind are found again.
            parent_column: the record that Salesforce locks with a row.
            assignment_rule_id: the assignment rule that new records run through.
        """
        self._run = run
        self._wiring = wiring
        self._settings = settings
        self._step = step
        self._lookups = lookups
        self._parent_column = parent_column
        self._assignment_rule_id = assignment_rule_id
        self._loader = Loader(run, wiring)
        self._answers = DuplicateRuleAnswers(wiring, self._loader, settings.duplicate_rules, lookups.by_ids)

    @property
    def records_asked(self) -> int:
        """Return how many calls were made to learn what duplicate rules found."""
        return self._answers.records_asked

    def recover(self) -> Iterator[Inserted]:
        """Yield what jobs of an interrupted attempt did; commit each before asking for the next."""
        for recovered in self._loader.recover(self._step, 0):
            load = self._load_of(recovered.rows, total=len(recovered.rows))
            inserted, _ = self._outcome(load, recovered.results)
            yield inserted

    def insert(self, rows: pd.DataFrame, *, total: int, is_second_try: bool = False) -> Iterator[Inserted]:
        """Insert rows (``KEYED_ROWS``) of one sObject and yield what became of them; commit each before the next.

        Args:
            rows: the rows; every ref once.
            total: rows of this sObject in the whole run, which decide between REST and Bulk.
            is_second_try: keys that these rows had before are held by dead records.
        """
        claimed = self._claim(KEYED_ROWS.conform(rows))
        known = self._known(claimed)
        yield known
        left = claimed[~claimed["ref"].isin(known.records["ref"])].drop(columns="claimed_id")
        lost: list[str] = []
        load = self._load_of(left, total=total)
        for results in self._loader.load(load):
            inserted, keys = self._outcome(load, results, is_final=is_second_try)
            lost += keys
            yield inserted
        if lost:
            # The key is held by a converted or deleted record: it is retired, and the person gets a fresh one (M8).
            self._wiring.ledger.retire_claims(lost, self._run.now)
            again = left.loc[left[CLIENT_KEY].isin(lost)].drop(columns=CLIENT_KEY)
            yield from self.insert(again, total=len(again), is_second_try=True)

    def _claim(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows with their claim's key, and as ``claimed_id`` the record that the ledger knows under it."""
        claims = self._wiring.ledger.claim_identities(
            self._run.run_id,
            rows[["ref", "identities", "client_id", "sobject"]].rename(columns={"ref": "person_ref"}),
            namespace=self._settings.key_namespace,
            now=self._run.now,
        ).set_index("person_ref")
        return rows.assign(
            **{CLIENT_KEY: rows["ref"].map(claims["claim_key"])},
            claimed_id=rows["ref"].map(claims["record_id"]),
        )

    def _known(self, claimed: pd.DataFrame) -> Inserted:
        """Return the records that an earlier attempt or another run created meanwhile, as far as they live."""
        rows = claimed[claimed["claimed_id"].notna()].drop(columns="claimed_id")
        found = self._by_key(rows, rows[CLIENT_KEY])
        return Inserted(rows, self._records(rows, found), RESULTS.empty().assign(ref=None))

    def _load_of(self, rows: pd.DataFrame, *, total: int) -> Load:
        load = keyed_load(rows, settings=self._settings, step=self._step, total=total)
        return replace(
            load,
            parent_column=self._parent_column if self._parent_column in rows else None,
            assignment_rule_id=self._assignment_rule_id,
        )

    def _outcome(
        self, load: Load, results: pd.DataFrame, *, is_final: bool = False
    ) -> tuple[Inserted, list[str]]:
        """Return what became of the rows of a batch of results, and the keys that dead records hold.

        ``is_final`` says that nobody gets another key: such a row counts as refused.
        """
        import pandas as pd

        rows = load.rows[load.rows[CLIENT_KEY].isin(results["key"])]
        answers = self._answers.complete(load, results)
        created = answers.loc[answers["is_success"], ["key", "record_id"]].assign(
            sobject=load.sobject, is_created=True
        )
        created["who_id"] = self._lookups.who_ids(load.sobject, created["record_id"])
        held = answers.loc[answers["error_code"].eq(DUPLICATE_VALUE), "key"]
        existing = self._by_key(rows, held)
        links = self._answers.links(answers)
        records = self._records(rows, pd.concat([created, existing, links], ignore_index=True))
        without = answers[~answers["key"].isin(rows.loc[rows["ref"].isin(records["ref"]), CLIENT_KEY])]
        is_lost = without["error_code"].eq(DUPLICATE_VALUE) & (not is_final)
        refs = rows.set_index(CLIENT_KEY)["ref"]
        refused = without[~is_lost].assign(ref=without["key"].map(refs))
        return Inserted(rows, records, refused), without.loc[is_lost, "key"].tolist()

    def _by_key(self, rows: pd.DataFrame, keys: pd.Series[str]) -> pd.DataFrame:
        """Read by key what exists already: "duplicate value" means "already created" (rule M8)."""
        if keys.empty:
            return KEYED_RECORDS.empty()[["key", "sobject", "record_id", "who_id"]]
        return self._lookups.by_key(str(rows["sobject"].iloc[0]), set(keys))

    def _records(self, rows: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
        refs = rows.set_index(CLIENT_KEY)["ref"]
        absent = [name for name in ("rule", "is_created") if name not in found]
        told = found.assign(**dict.fromkeys(absent, None))
        is_ours = told["rule"].isna()
        return KEYED_RECORDS.conform(
            told.assign(
                ref=told["key"].map(refs),
                key=told["key"].where(is_ours),
                evidence=is_ours.map({True: str(Evidence.NEW), False: str(Evidence.DUPLICATE_RULE)}),
                is_created=told["is_created"].eq(True),
                is_ours=is_ours,
            )
        )
