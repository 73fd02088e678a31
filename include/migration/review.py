"""The carry-over report, and the choices that an administrator confirms with it (rules G6, G7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.errors import AnswerRefusedError
from include.legacy import ATTENTION, Attention, ItemKind, ItemOutcome, Phase
from include.migration.choices import Choices, Relabel, Stamp
from include.migration.shortcomings import find_shortcomings
from include.migration.standing import (
    default_entity_type,
    intends_person_accounts,
    modern_settings,
    require_flag,
)
from include.pipeline.accounting import counted_calls
from include.settings.model import EntityType, MatchingAlgorithm

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring

_ANSWER: Final = "answer"
"""The button that was pressed, which Airflow hands over beside the form's values."""

_TITLES: Final[Mapping[ItemKind, str]] = {
    ItemKind.FIELD_MAPPING: "field mappings",
    ItemKind.STAFF_LINK: "staff links",
    ItemKind.EVENT_LINK: "event links",
}

_SELF_SERVE: Final = (EntityType.LEAD, EntityType.CONTACT)

_NOTICE: Final = (
    "**Person Accounts were intended.** They are not self-serve: the organisation goes on with Leads or Contacts "
    'unless an administrator completes their extra step, by a run with `{"person_accounts": true}`, and then clears '
    "`list_reports` with all after it: this question keeps its form."
)
_COMPLETED: Final = "**Person Accounts** were tried with success in this org, so they can be chosen below."


@dataclass(frozen=True, slots=True)
class ReviewQuestion:
    """What the step shows and asks.

    Attributes:
        body_markdown: the report; counts and names of fields and rules, never a value of a person.
        params: the form: by name what Airflow's ``Param`` takes (``default``, ``description`` and JSON schema).
    """

    body_markdown: str
    params: Mapping[str, Mapping[str, Any]]


def review_question(run: SyncRun, wiring: Wiring) -> ReviewQuestion:
    """Return the carry-over report and the form.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConfigurationError: Coconut's flag is off.
    """
    with counted_calls(run, wiring, "review"):
        migration = wiring.ledger.held_migration(run.run_id)
        require_flag(wiring)
        counts = wiring.ledger.count_migration_items(migration.id)
        setup = migration.facts.get(Phase.AUTHORISED.value, {}).get("setup", {})
        offered = offered_entity_types(wiring)
        sections = [
            _carried(counts),
            _attention(counts),
            _setup(setup),
            _notices(wiring, offered),
        ]
        body = "\n\n".join(section for section in sections if section)
        return ReviewQuestion(body, form(wiring, offered, migration.choices))


def record_review(
    run: SyncRun, wiring: Wiring, answered: Mapping[str, Any], who: str, now: datetime
) -> Choices:
    """Keep the choices, once the org can have what they ask for.

    Args:
        run: the run that asked.
        wiring: the adapters.
        answered: the form's values by name.
        who: the user of Airflow who answered.
        now: when.

    Raises:
        MigrationTakenOver: another run holds the lease.
        AnswerRefusedError: with everything that is wrong about the choices.
    """
    with counted_calls(run, wiring, "review"):
        wiring.ledger.held_migration(run.run_id)
        require_flag(wiring)
        values = {name: value for name, value in answered.items() if name != _ANSWER}
        choices = Choices.from_answer(values, offered=offered_entity_types(wiring))
        if choices.entity_type is EntityType.PERSON_ACCOUNT:
            tried = wiring.ledger.tried_person_accounts(wiring.salesforce.organization_id)
            choices = choices.model_copy(update={"person_account_record_type": tried or ""})
        missing = find_shortcomings(wiring, choices.applied_to(modern_settings(wiring))).all
        if missing:
            msg = "The choices of the review cannot be met by the org; nothing was changed:"
            raise AnswerRefusedError(msg, missing)
        wiring.ledger.choose_in_migration(run.run_id, choices.to_json())
        facts = {"reviewed_by": who, "reviewed_at": now.isoformat()}
        wiring.ledger.advance_migration(run.run_id, Phase.REVIEWED, facts=facts)
        return choices


def offered_entity_types(wiring: Wiring) -> tuple[EntityType, ...]:
    """Return what new people may become: Person Accounts only after their extra step (rule G7)."""
    bound = wiring.ledger.bound_org()
    is_tried = bound is not None and wiring.ledger.tried_person_accounts(bound) is not None
    return (*_SELF_SERVE, EntityType.PERSON_ACCOUNT) if is_tried else _SELF_SERVE


def form(
    wiring: Wiring, offered: tuple[EntityType, ...], chosen: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the form's fields; what was chosen before, or the settings say, is filled in."""
    settings = wiring.ledger.current_settings()
    entity_type = settings.settings.entity_type if settings.version > 0 else default_entity_type(wiring)
    if entity_type not in offered:
        entity_type = EntityType.LEAD
    defaults = {
        "entity_type": entity_type.value,
        "matching_algorithm": settings.settings.matching_algorithm.value,
        "relabel_legacy_events": Relabel.UPCOMING.value,
        "stamp_legacy_events": Stamp.ON_NEXT_CHANGE.value,
    }
    allowed = {
        "entity_type": [one.value for one in offered],
        "matching_algorithm": [one.value for one in MatchingAlgorithm],
        "relabel_legacy_events": [one.value for one in Relabel],
        "stamp_legacy_events": [one.value for one in Stamp],
    }
    return {
        name: {
            "default": chosen[name] if chosen.get(name) in allowed[name] else default,
            "type": "string",
            "enum": allowed[name],
            "title": _ASKED[name][0],
            "description": _ASKED[name][1],
        }
        for name, default in defaults.items()
    }


_ASKED: Final[Mapping[str, tuple[str, str]]] = {
    "entity_type": ("Entity type", "What a new person becomes in Salesforce."),
    "matching_algorithm": (
        "Matching algorithm",
        "Which evidence makes a client and a Salesforce record one person, where no legacy Event says so.",
    ),
    "relabel_legacy_events": (
        "Relabel legacy Events",
        "Which of them get the suffix and the kind that reports filter on. Each one is written once, and automation on "
        "Event runs.",
    ),
    "stamp_legacy_events": (
        "Stamp legacy Events",
        "When they take our key and our fields: with their next real change, or all at once, throttled.",
    ),
}


def _carried(counts: pd.DataFrame) -> str:
    rows = "\n".join(
        f"| {_TITLES[kind]} | {' | '.join(map(str, _numbers(counts, kind)))} |" for kind in ItemKind
    )
    head = "| | inventory | carried over | need attention |\n|---|---:|---:|---:|"
    return f"### What is carried over\n\n{head}\n{rows}"


def _numbers(counts: pd.DataFrame, kind: ItemKind) -> tuple[int, int, int]:
    own = counts[counts["kind"] == kind.value]
    by_outcome = [int(own.loc[own["outcome"] == outcome.value, "rows"].sum()) for outcome in ItemOutcome]
    return int(own["rows"].sum()), by_outcome[0], by_outcome[1]


def _attention(counts: pd.DataFrame) -> str:
    """Return what needs attention, by reason; it may stay as it is, knowingly."""
    rows = counts[counts["outcome"] == ItemOutcome.NEEDS_ATTENTION.value]
    if rows.empty:
        return "Nothing needs attention."
    lines = []
    for kind, reason, number in zip(rows["kind"], rows["reason"], rows["rows"], strict=True):
        told = ATTENTION[Attention(reason)]
        title = _TITLES[ItemKind(kind)]
        lines.append(f"| {title} | `{reason}` | {number} | {told.text} {told.advice} |")
    head = "| of the | reason | | what it means, and what can be done |\n|---|---|---:|---|"
    return "### What needs attention\n\n" + "\n".join((head, *lines))


def _setup(setup: Mapping[str, Any]) -> str:
    """Return what the org runs when Events and people are written."""
    lines = [
        f"- {kind}: {', '.join(f'`{name}`' for name in names) if names else 'none'}"
        for kind, names in setup.get("active", {}).items()
    ]
    lines += [
        f"- {kind}: the org does not let the integration user see them" for kind in setup.get("untold", ())
    ]
    if not lines:
        return ""
    return "### What the org runs when Events and people are written\n\n" + "\n".join(lines)


def _notices(wiring: Wiring, offered: tuple[EntityType, ...]) -> str:
    return "\n\n".join(_each_notice(wiring, offered))


def _each_notice(wiring: Wiring, offered: tuple[EntityType, ...]) -> Iterator[str]:
    if EntityType.PERSON_ACCOUNT in offered:
        yield _COMPLETED
    elif intends_person_accounts(wiring):
        yield _NOTICE
    if not wiring.ledger.current_settings().settings.unassigned_events_owner.strip():
        yield (
            "**The setting `unassigned_events_owner` is empty**: bookings without staff, or whose staff member has no "
            "link, wait after cut-over until it names a User."
        )
