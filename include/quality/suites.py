"""Run our checks through Great Expectations: one ephemeral context for all frames of a process (rule Q1)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from include.quality.checks import SUITES, Check, Suite, length_checks

_VERDICT: Final = {"result_format": "BOOLEAN_ONLY"}
_COMPLETE: Final = {"result_format": "COMPLETE"}
_POSITION: Final = "check"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found in one frame.

    ``rows`` are the positions of the failing rows; ``error`` is set, to the name of what is wrong, where the check
    could not be made at all.
    """

    check: Check
    is_success: bool
    rows: tuple[int, ...] = ()
    error: str = ""


class SuiteRunner:
    """Checks frames. Importing Great Expectations takes seconds, so it happens with the first frame, once.

    ``lengths`` are the characters that the org lets text fields have, by suite and field.
    """

    def __init__(self, lengths: Mapping[Suite, Mapping[str, int]] | None = None) -> None:
        self._lengths = lengths or {}
        self._batches: dict[Suite, Any] = {}
        self._source: Any = None

    def run(self, suite: Suite, frame: pd.DataFrame) -> list[CheckResult]:
        """Return one result per check of ``suite`` that ``frame`` has the column for, in the order of the checks.

        Which rows fail is asked only of the checks that fail: the answer costs as much again as the verdict.
        """
        asked = (*SUITES[suite], *length_checks(self._lengths.get(suite, {})))
        checks = [check for check in asked if _is_made(check, frame)]
        batch = self._batch_definition(suite).get_batch({"dataframe": frame.reset_index(drop=True)})
        found = _validate(batch, dict(enumerate(checks)), _VERDICT)
        failing = {position: checks[position] for position, result in found.items() if not result.success}
        if failing:
            found |= _validate(batch, failing, _COMPLETE)
        return [_result(check, found[position]) for position, check in enumerate(checks)]

    def _batch_definition(self, suite: Suite) -> Any:
        if suite not in self._batches:
            asset = self._frames().add_dataframe_asset(str(suite))
            self._batches[suite] = asset.add_batch_definition_whole_dataframe(str(suite))
        return self._batches[suite]

    def _frames(self) -> Any:
        if self._source is None:
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig

            logging.getLogger("great_expectations").setLevel(logging.WARNING)
            context = gx.get_context(mode="ephemeral")
            context.variables.progress_bars = ProgressBarsConfig(globally=False)
            self._source = context.data_sources.add_pandas("frames")
        return self._source


def _is_made(check: Check, frame: pd.DataFrame) -> bool:
    """Tell whether a check applies: those on wire fields that a frame does not carry have nothing to say."""
    columns = [
        check.arguments[name] for name in ("column", "column_A", "column_B") if name in check.arguments
    ]
    return all(column in frame.columns for column in columns)


def _validate(batch: Any, checks: Mapping[int, Check], result_format: dict[str, str]) -> dict[int, Any]:
    """Return what Great Expectations found, by the position of the check."""
    import great_expectations as gx

    expectations = [_expectation(check, position) for position, check in checks.items()]
    suite = gx.ExpectationSuite(name="checks", expectations=expectations)
    found = batch.validate(suite, result_format=result_format)
    return {result.expectation_config.meta[_POSITION]: result for result in found.results}


def _expectation(check: Check, position: int) -> Any:
    import great_expectations.expectations as gxe

    return getattr(gxe, check.expectation)(**check.arguments, meta={_POSITION: position})


def _result(check: Check, found: Any) -> CheckResult:
    """Return what Great Expectations found, without the values it quotes: they may be personal."""
    error = "".join(sorted(_exceptions(found.exception_info)))
    positions: Iterable[Any] = () if error else found.result.get("unexpected_index_list") or ()
    return CheckResult(
        check=check, is_success=bool(found.success), rows=tuple(int(row) for row in positions), error=error
    )


def _exceptions(info: dict[str, Any]) -> set[str]:
    """Return the class of each exception that a check met; its message may quote values."""
    entries = (
        [info]
        if "raised_exception" in info
        else [entry for entry in info.values() if isinstance(entry, dict)]
    )
    raised = [entry for entry in entries if entry.get("raised_exception")]
    return {
        str(entry.get("exception_message") or "error").split("(")[0].split(":")[0][:60] for entry in raised
    }
