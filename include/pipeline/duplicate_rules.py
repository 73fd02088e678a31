"""Meeting Salesforce's own duplicate rules (rule M14).

A rule that only alerts can be told to save all the same, by a header that REST knows and Bulk API 2.0 does not. Which
records a rule found is told for certain by a write of a single record alone; items of Collections may tell it too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from include.frames import RESULTS
from include.salesforce.error_codes import DUPLICATES_DETECTED
from include.settings.model import DuplicateRules, LoadApi

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import Wiring
    from include.pipeline.loading import Load, Loader

HEADERS: Final = {
    policy: {
        "Sforce-Duplicate-Rule-Header": f"allowSave={str(policy is DuplicateRules.ALLOW).lower()}; "
        "includeRecordDetails=true"
    }
    for policy in DuplicateRules
}
"""What REST is told of rules that only alert, by the setting ``duplicate_rules``."""

RECORDS_ASKED: Final = {DuplicateRules.LINK: 200, DuplicateRules.ALLOW: 20, DuplicateRules.HOLD: 20}
"""Calls for single records that a load may make to learn what a rule found; where nothing hangs on it, few."""


class DuplicateRuleAnswers:
    """What duplicate rules answer to the rows of one step, asked again where an API does not tell.

    ``records_asked`` counts the calls made for single records.
    """

    def __init__(
        self,
        wiring: Wiring,
        loader: Loader,
        policy: DuplicateRules,
        find_by_ids: Callable[[Collection[str]], pd.DataFrame],
    ) -> None:
        """Meet rules as ``policy`` says.

        ``find_by_ids`` returns the usable records behind reported Ids: ``found_id``, ``sobject``, ``record_id`` and
        ``who_id``.
        """
        self._wiring = wiring
        self._loader = loader
        self._policy = policy
        self._find_by_ids = find_by_ids
        self.records_asked = 0

    def complete(self, load: Load, results: pd.DataFrame) -> pd.DataFrame:
        """Return the results (contract ``RESULTS``), those of rows that a rule refused as REST answers them."""
        import pandas as pd

        is_met = is_duplicate(results)
        if not is_met.any():
            return results
        answers, by_bulk = results[is_met], results["job_id"].notna()
        if by_bulk[is_met].any():
            keys = results.loc[is_met & by_bulk, "key"]
            rows = load.rows[load.rows[load.key_column].isin(keys)]
            again = self._loader.load(replace(load, rows=rows, api=LoadApi.REST))
            answers = pd.concat([results[is_met & ~by_bulk], *again], ignore_index=True)
        return RESULTS.conform(pd.concat([results[~is_met], self._with_records(load, answers)]))

    def links(self, results: pd.DataFrame) -> pd.DataFrame:
        """Return the records to use in place of new ones: ``key``, ``sobject``, ``record_id``, ``who_id``, ``rule``.

        Only under the setting ``link``, and only where a rule reports exactly one record that may be used.
        """
        reported = results[is_duplicate(results) & results["duplicate_ids"].fillna("").ne("")]
        if self._policy is not DuplicateRules.LINK or reported.empty:
            return results.iloc[:0].assign(sobject=None, who_id=None, rule=None)[
                ["key", "sobject", "record_id", "who_id", "rule"]
            ]
        named = reported.assign(
            found_id=reported["duplicate_ids"].str.split(" "), rule=reported["duplicate_rule"]
        )
        named = named[["key", "rule", "found_id"]].explode("found_id")
        usable = named.merge(self._find_by_ids(set(named["found_id"])), on="found_id")
        usable = usable.drop_duplicates(["key", "record_id"])
        is_only = ~usable.duplicated("key", keep=False)
        return usable.loc[is_only, ["key", "sobject", "record_id", "who_id", "rule"]].reset_index(drop=True)

    def _with_records(self, load: Load, answers: pd.DataFrame) -> pd.DataFrame:
        """Ask by single writes what a rule found where the answer does not tell; a row let in meanwhile is written."""
        import pandas as pd

        untold = answers.loc[is_duplicate(answers) & answers["duplicate_ids"].isna(), "key"]
        left = max(RECORDS_ASKED[self._policy] - self.records_asked, 0)
        if load.operation != "insert" or untold.empty or not left:
            return answers
        asked = untold.iloc[:left]
        rows = load.rows[load.rows[load.key_column].isin(asked)]
        self.records_asked += len(rows)
        told = [
            self._wiring.salesforce.insert_one(
                load.sobject,
                rows.iloc[[position]],
                key_column=load.key_column,
                fields=load.columns,
                headers=load.rest_headers,
            )
            for position in range(len(rows))
        ]
        return pd.concat([answers[~answers["key"].isin(asked)], *told], ignore_index=True)


def is_duplicate(results: pd.DataFrame) -> pd.Series[bool]:
    """Tell which results are refusals by a duplicate rule."""
    return results["error_code"].eq(DUPLICATES_DETECTED)
