"""What a migration leaves behind, without what two runs of the same one may differ in.

Left out: instants that tell when something was done, run ids, versions that count attempts, and histories. Records of
two worlds of one seed are made in the same order, which names them.
"""

from __future__ import annotations

from typing import Any, Final

from tests.migration.legacy_state import State, legacy_state, rows_of
from tests.migration.legacy_world import LegacyWorld

_AUDIT: Final = frozenset({"CreatedDate", "LastModifiedDate", "SystemModstamp"})
_USERS: Final = "org: User"
_WHEN: Final = frozenset(
    {
        "adopted_at", "at", "claimed_at", "claimed_by_run", "created_at", "first_seen_at", "handed_out_at",
        "id", "attempts", "last_run_id", "last_seen_at", "read_at", "run_id", "saved_at", "seen_by_run", "since",
        "taken_at", "updated_at", "claimed_version", "written_version", "decided_at",
    }
)  # fmt: skip
_COMPARED: Final = (
    "dirty_keys",
    "event_links",
    "mapping_versions",
    "person_claims",
    "person_links",
    "quarantine",
    "settings_versions",
    "staff_links",
)
_PROPOSED: Final = ("migration_images", "migration_items", "migration_staff_before", "migration_own_events")
_LAST_OUTCOME: Final = frozenset({"last_outcome", "last_reason"})
"""Whoever comes after the dead finds the Event as it should be: written against unchanged is not compared."""


def outcome_of(world: LegacyWorld) -> State:
    """Return what has to be equal, by part and key; a record is called by its place among those of its kind."""
    state = legacy_state(world)
    found = {part: _without(rows, _AUDIT) for part, rows in state.items() if part.startswith("org: ")}
    del found[_USERS]
    for table in _COMPARED:
        found[table] = _without(state[f"ledger: {table}"], _WHEN | _LAST_OUTCOME)
    for table in _PROPOSED:
        found[table] = _without(rows_of(world, table), _WHEN)
    newest = world.ledger.newest_migration()
    assert newest is not None
    found["migration"] = {"newest": {"phase": newest.phase, "choices": dict(newest.choices)}}
    names = {
        record_id: f"{part.removeprefix('org: ')} {place}"
        for part, rows in state.items()
        if part.startswith("org: ")
        for place, record_id in enumerate(sorted(rows))
    }
    return {part: _named(rows, names) for part, rows in found.items()}


def _without(rows: dict[Any, dict[str, Any]], names: frozenset[str]) -> dict[Any, dict[str, Any]]:
    return {key: {n: value for n, value in row.items() if n not in names} for key, row in rows.items()}


def _named(rows: dict[Any, dict[str, Any]], names: dict[str, str]) -> dict[Any, dict[str, Any]]:
    """Put names in the place of Ids, whose numbers go on when an org is emptied."""

    def named(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(named(one) for one in value)
        return names.get(value, value) if isinstance(value, str) else value

    return {
        named(key): {n: named(value) for n, value in row.items() if n != "attributes"}
        for key, row in rows.items()
    }
