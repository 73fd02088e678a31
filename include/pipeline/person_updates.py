"""Write into the records of people who were found what the settings let Coconut overwrite (rules M5, F4, M14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.frames import PEOPLE
from include.mapping.person_drafts import UPDATE
from include.pipeline.duplicate_rules import HEADERS, DuplicateRuleAnswers
from include.pipeline.loading import Load, Loader, choose_api
from include.pipeline.people_lookups import PeopleLookups
from include.pipeline.person_links import PersonLinks, wire_fields
from include.pipeline.person_refusals import person_refusals
from include.pipeline.refused_values import left_out_values
from include.reasons import Reason

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring
    from include.pipeline.refused_values import Droppable
    from include.settings.model import Settings

UPDATE_PEOPLE: Final = "update_people"


def update_load(rows: pd.DataFrame, *, settings: Settings, total: int) -> Load:
    """Return the load of people (contract ``PEOPLE``, with ``Id``) of one sObject, of which the run has ``total``."""
    fields = wire_fields(rows, [*PEOPLE.columns, "Id"])
    return Load(
        step=UPDATE_PEOPLE,
        chunk=0,
        sobject=str(rows["sobject"].iloc[0]),
        operation="update",
        rows=rows,
        columns=("Id", *fields),
        key_column="Id",
        api=choose_api(settings.load_api, total),
        headers=HEADERS[settings.duplicate_rules],
    )


class PersonUpdater:
    """Updates people by Id and keeps what was written; being sent twice, an update says the same twice."""

    def __init__(
        self, run: SyncRun, wiring: Wiring, settings: Settings, *, links: PersonLinks, droppable: Droppable
    ) -> None:
        self._settings = settings
        self._links = links
        self._droppable = droppable
        self._planned = PEOPLE.empty()
        self._loader = Loader(run, wiring)
        self._answers = DuplicateRuleAnswers(
            wiring, self._loader, settings.duplicate_rules, PeopleLookups(wiring, settings).by_ids
        )
        self._settled: set[str] = set()
        self.refusals: list[pd.DataFrame] = []
        self.reports: list[pd.DataFrame] = []
        self.counts = {"updated": 0, "update_refused": 0}

    def recover(self, people: pd.DataFrame) -> None:
        """Commit what jobs of an interrupted attempt did of ``people``."""
        self._planned = people.set_index("person_ref", drop=False)
        for recovered in self._loader.recover(UPDATE_PEOPLE, 0):
            load = update_load(recovered.rows, settings=self._settings, total=len(recovered.rows))
            self._commit(load, recovered.results)

    def load(self, people: pd.DataFrame) -> None:
        """Send ``people`` (contract ``PEOPLE``): the fields of each that differ."""
        self.recover(people)
        rows = people.assign(Id=people["record_id"])
        left = rows[~rows["person_ref"].isin(self._settled)]
        for _, of_sobject in left.groupby("sobject"):
            again = of_sobject
            while len(again):  # each round leaves out a value of every row
                again = self._update(again)

    def _update(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Update people of one sObject; return the rows to send again without a value."""
        import pandas as pd

        load = update_load(rows.reset_index(drop=True), settings=self._settings, total=len(rows))
        again = [self._commit(load, results) for results in self._loader.load(load)]
        return pd.concat([rows.iloc[:0], *again], ignore_index=True)

    def _commit(self, load: Load, results: pd.DataFrame) -> pd.DataFrame:
        """Record what became of rows; return those that are to be sent again."""
        answers = self._answers.complete(load, results)
        by_id = load.rows.set_index("Id")
        written = by_id.loc[answers.loc[answers["is_success"], "key"]]
        if len(written):
            sent = written[wire_fields(written, PEOPLE.columns)]
            self._links.record_written(written["person_ref"], sent)
        refused = answers[~answers["is_success"]].set_index("key", drop=False)
        again = self._droppable.without_refused(by_id, refused, sobject=load.sobject, operation=UPDATE)
        refused = refused[~refused.index.isin(again.index)]
        refused = refused.assign(person_ref=refused["key"].map(by_id["person_ref"]))
        is_empty = again[wire_fields(by_id, PEOPLE.columns)].isna().all(axis="columns")
        self.reports += [
            left_out_values(self._planned, done.set_index("person_ref"))
            for done in (written, again[is_empty])
        ]
        self._settled.update(written["person_ref"], again.loc[is_empty, "person_ref"], refused["person_ref"])
        self.counts["updated"] += len(written)
        self.counts["update_refused"] += len(refused)
        if len(refused):
            self.refusals.append(
                person_refusals(
                    refused, self._settings.duplicate_rules, of_missing_record=Reason.PERSON_UNUSABLE
                )
            )
        return again[~is_empty].reset_index()
