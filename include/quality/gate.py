"""The gate before the first write: rows that fail are quarantined, a broken batch stops the run (rule Q1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from include.frames import TEXT
from include.mapping.person_drafts import UPDATE
from include.mapping.times import event_times
from include.quality.checks import Suite
from include.quality.suites import CheckResult, SuiteRunner
from include.reasons import REASONS, Action

FAILING_COLUMNS: Final = ("frame", "key", "reason", "detail")
KEYS_SHOWN: Final = 20
_BOOKING_COLUMNS: Final = ("booking_deleted", "attendee_deleted", "client_disabled")
_TIME_COLUMNS: Final = ("starts_at", "ends_at", "service_minutes", "timezone", "location_timezone")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks found in one frame.

    ``failing`` has one row per failing row and check, in the order of the checks: ``frame``, ``key`` (booking key or
    person reference), ``reason`` (an ``include.reasons.Reason``) and ``detail`` (the column's name, never a value).
    ``broken`` says in sentences what is wrong with the batch as a whole.
    """

    failing: pd.DataFrame
    broken: tuple[str, ...] = ()


@dataclass(slots=True)
class _Tally:
    """What one check found over all frames so far."""

    expectation: str
    column: str
    reason: str
    failed: int = 0
    keys: list[str] = field(default_factory=list)
    error: str = ""


class QualityGate:
    """Checks the frames of a run, chunk by chunk, and remembers enough to say whether the run may write."""

    def __init__(
        self,
        *,
        lengths: Mapping[Suite, Mapping[str, int]] | None = None,
        most_failing_percent: float = 50.0,
        at_least_rows: int = 20,
    ) -> None:
        """Set how long texts may be, and when the share of failing source rows or people is implausible.

        Args:
            lengths: the characters that the org lets text fields have, by suite and field.
            most_failing_percent: of the rows checked; above it the gate closes.
            at_least_rows: failing rows below this number never close it, whatever their share.
        """
        self._most_failing_percent = most_failing_percent
        self._at_least_rows = at_least_rows
        self._runner = SuiteRunner(lengths)
        self._tallies: dict[Suite, dict[int, _Tally]] = {}
        self._checked: dict[Suite, int] = {}
        self._failing: dict[Suite, int] = {}
        self._broken: dict[str, None] = {}

    def check_source(self, bookings: pd.DataFrame) -> Verdict:
        """Check pairs as they were read (contract ``BOOKINGS`` and ``booking_key``).

        Deleted pairs and disabled clients are left out: nothing is made of their values.
        """
        if not set(_BOOKING_COLUMNS).union(_TIME_COLUMNS) <= set(bookings.columns):
            return self._check(Suite.SOURCE, bookings, key_column="booking_key")
        live = bookings[
            ~(bookings["booking_deleted"] | bookings["attendee_deleted"] | bookings["client_disabled"])
        ]
        times = event_times(live)
        length = times["ends_at"] - times["starts_at"]
        derived = live.assign(
            starts_at=times["starts_at"],
            ends_at=times["ends_at"],
            minutes=length.dt.total_seconds() / 60,
            has_known_zone=times["local_day"].notna() | times["starts_at"].isna(),
        )
        return self._check(Suite.SOURCE, derived, key_column="booking_key")

    def check_people(self, people: pd.DataFrame) -> Verdict:
        """Check the people who are to be written (contract ``PEOPLE``); quarantined ones have their reason already."""
        if not {"outcome", "operation"} <= set(people.columns):
            return self._check(Suite.NEW_PEOPLE, people, key_column="person_ref")
        loadable = people[people["outcome"].isna()]
        is_update = loadable["operation"].eq(UPDATE)
        return _joined(
            [
                self._check(Suite.NEW_PEOPLE, loadable[~is_update], key_column="person_ref"),
                self._check(Suite.CHANGED_PEOPLE, loadable[is_update], key_column="person_ref"),
            ]
        )

    def check_events(self, events: pd.DataFrame) -> Verdict:
        """Check the Events that are to be created or updated (contract ``EVENTS`` with its wire fields)."""
        loadable = events[events["outcome"].isna()]
        return _joined(
            [
                self._check(suite, loadable[loadable["action"] == str(action)], key_column="booking_key")
                for suite, action in (
                    (Suite.NEW_EVENTS, Action.CREATE),
                    (Suite.CHANGED_EVENTS, Action.UPDATE),
                )
            ]
        )

    @property
    def is_open(self) -> bool:
        """Tell whether the run may write."""
        return not self._problems()

    def sentence(self) -> str:
        """Return in words what the checks say of the run."""
        problems = self._problems()
        if not problems:
            return f"All checks passed on {sum(self._checked.values())} rows, or their rows are quarantined."
        return "Nothing was written, because the batch looks broken: " + "; ".join(problems) + "."

    def report(self) -> dict[str, Any]:
        """Return the validation result as JSON values: counts and keys, no values of rows."""
        return {
            "is_open": self.is_open,
            "sentence": self.sentence(),
            "frames": {
                str(suite): {
                    "rows_checked": self._checked[suite],
                    "rows_failing": self._failing[suite],
                    "expectations": [
                        {
                            "expectation": tally.expectation,
                            "column": tally.column,
                            "reason": tally.reason or None,
                            "failed": tally.failed,
                            "keys": tally.keys,
                            "error": tally.error or None,
                        }
                        for _, tally in sorted(tallies.items())
                    ],
                }
                for suite, tallies in self._tallies.items()
            },
        }

    def _check(self, suite: Suite, frame: pd.DataFrame, *, key_column: str) -> Verdict:
        results = self._runner.run(suite, frame) if len(frame) else []
        has_key = key_column in frame.columns
        keys = frame[key_column].reset_index(drop=True) if has_key else pd.Series(dtype=TEXT)
        broken = [sentence for result in results if (sentence := _broken_sentence(suite, result))]
        self._broken.update(dict.fromkeys(broken))
        failing = [
            _failing_rows(suite, result, keys) for result in results if result.check.reason and result.rows
        ]
        joined = pd.concat([_no_failing_rows(), *failing], ignore_index=True)
        self._count(suite, len(frame), results, keys)
        self._failing[suite] = self._failing.get(suite, 0) + joined["key"].nunique()
        return Verdict(failing=joined, broken=tuple(broken))

    def _count(self, suite: Suite, rows: int, results: list[CheckResult], keys: pd.Series[str]) -> None:
        self._checked[suite] = self._checked.get(suite, 0) + rows
        tallies = self._tallies.setdefault(suite, {})
        for position, result in enumerate(results):
            tally = tallies.setdefault(position, _tally(result))
            tally.failed += len(result.rows)
            tally.error = tally.error or result.error
            room = KEYS_SHOWN - len(tally.keys)
            tally.keys += [str(key) for key in keys.iloc[list(result.rows[:room])]] if len(keys) else []

    def _problems(self) -> list[str]:
        problems = list(self._broken)
        for suite, failing in self._failing.items():
            checked = self._checked[suite]
            if failing >= self._at_least_rows and failing * 100 > checked * self._most_failing_percent:
                problems.append(
                    f"{failing} of {checked} rows of the {suite} frame fail their checks "
                    f"(more than {self._most_failing_percent:g} %); look at the validation result for which"
                )
        return problems


def _joined(verdicts: list[Verdict]) -> Verdict:
    return Verdict(
        failing=pd.concat([verdict.failing for verdict in verdicts], ignore_index=True),
        broken=tuple(sentence for verdict in verdicts for sentence in verdict.broken),
    )


def _tally(result: CheckResult) -> _Tally:
    return _Tally(
        expectation=result.check.expectation,
        column=_column_of(result),
        reason=str(result.check.reason) if result.check.reason else "",
    )


def _column_of(result: CheckResult) -> str:
    arguments: Mapping[str, object] = result.check.arguments
    return str(arguments.get("column") or arguments.get("column_A") or "")


def _broken_sentence(suite: Suite, result: CheckResult) -> str:
    """Return what is wrong with the batch if this check says so; empty where only rows are concerned, or nothing."""
    if result.error:
        return f"the check {result.check.expectation} of the {suite} frame could not be made ({result.error})"
    if result.is_success or result.check.reason is not None:
        return ""
    column = _column_of(result)
    what = f"column {column}" if column else "its columns"
    return f"the {suite} frame does not keep its contract: {what} fails {result.check.expectation}"


def _failing_rows(suite: Suite, result: CheckResult, keys: pd.Series[str]) -> pd.DataFrame:
    reason = result.check.reason
    text = REASONS[reason].text if reason else ""
    failing = {
        "frame": str(suite),
        "key": keys.iloc[list(result.rows)].to_numpy(),
        "reason": str(reason),
        "detail": f"{_column_of(result)}: {text}",
    }
    return pd.DataFrame(failing).astype(TEXT)


def _no_failing_rows() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=TEXT) for name in FAILING_COLUMNS})
