"""Commit which Salesforce record each client is, and what was written into it (rules M8, M9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.frames import TEXT
from include.ledger.contracts import PEOPLE_RESULTS
from include.matching.rule_links import linked_by_rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from include.ledger.repository import SettingsVersion
    from include.pipeline.context import SyncRun, Wiring

_ABSENT: Final = r'"\w+":null,?'
_BEFORE_THE_END: Final = r",}$"


class PersonLinks:
    """Writes the links of one run's people to the ledger; every client of a person gets the person's link."""

    def __init__(
        self, run: SyncRun, wiring: Wiring, settings: SettingsVersion, decisions: pd.DataFrame
    ) -> None:
        self._run = run
        self._ledger = wiring.ledger
        self._version = settings.version
        self._decisions = decisions

    def record_found(self, found: pd.DataFrame) -> None:
        """Link clients whose record was there (contract ``DECISIONS``), and tell nothing of what it holds."""
        self._record(found.assign(values=None))

    def record_new(self, records: pd.DataFrame, written: pd.DataFrame) -> None:
        """Link the clients of people who were created, or who are a record that a duplicate rule reported.

        Args:
            records: contract ``keyed_inserts.KEYED_RECORDS``; ``ref`` is the person's.
            written: a wire frame of the fields that were sent, indexed by ``ref``.
        """
        if records.empty:
            return
        values = written_values(written.loc[records["ref"]]).to_numpy()
        people = records.assign(values=values).rename(columns={"ref": "person_ref", "key": "claim_key"})
        people["values"] = people["values"].where(people["is_ours"])
        named = self._decisions[["client_id", "person_ref"]].merge(people, on="person_ref")
        self._record(named.rename(columns={"is_ours": "created_by_us"}))
        by_rule = named[~named["is_ours"]]
        if not by_rule.empty:
            self._ledger.record_decisions(
                self._run.run_id,
                linked_by_rule(self._decisions, by_rule),
                settings_version=self._version,
                now=self._run.now,
            )

    def record_written(self, person_refs: pd.Series[str], written: pd.DataFrame) -> None:
        """Keep what was written into the records of people who were found.

        Args:
            person_refs: who was written.
            written: a wire frame of the fields that were sent, same index.
        """
        values = written_values(written).set_axis(person_refs.to_numpy())
        of_people = self._decisions[self._decisions["person_ref"].isin(person_refs)]
        self._record(of_people.assign(values=of_people["person_ref"].map(values)))

    def _record(self, links: pd.DataFrame) -> None:
        named = links if "created_by_us" in links else links.assign(created_by_us=False)
        self._ledger.record_people(
            self._run.run_id, PEOPLE_RESULTS.conform(named), settings_version=self._version, now=self._run.now
        )


def written_values(written: pd.DataFrame) -> pd.Series[str]:
    """Return the fields that each row of a wire frame sends as compact JSON; those it leaves alone are not named."""
    import pandas as pd

    if written.empty:
        return pd.Series(index=written.index, dtype=TEXT)
    lines = written.to_json(orient="records", lines=True).splitlines()
    # A quote inside a value follows a backslash, so that no value looks like a field without one.
    texts = pd.Series(lines, index=written.index, dtype=TEXT).str.replace(_ABSENT, "", regex=True)
    return texts.str.replace(_BEFORE_THE_END, "}", regex=True)


def wire_fields(rows: pd.DataFrame, declared: Iterable[str]) -> list[str]:
    """Return the Salesforce fields that a wire frame sends: those besides the declared columns that hold anything."""
    ours = frozenset(declared)
    return [name for name in rows.columns if name not in ours and rows[name].notna().any()]
