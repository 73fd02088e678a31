"""Duplicate rules of the setup document: a record that looks like one that exists is refused, or saved all the same.

Facts: an alerting rule refuses API clients, who may send the row again with `allowSave=true` [RESTG, *Duplicate Rule
Header*]; a blocking one refuses always; Bulk has no such header (simple-salesforce #628). "Records within the same
save aren't compared to each other" (Salesforce Help, quoted in stackexchange 118979); a save is 200 rows, so a Bulk
row is compared with those of the job's earlier saves. A record is compared when it is new or a matched field changes.
Rules do not run when a Lead is converted, and converted Leads match nothing (Salesforce Help 000204497). Matching is
exact, in any letter case and trimmed: the fuzzy methods of the standard rules are missing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.chunks import CHUNK_ROWS
from include.salesforce_emulator.engine.errors import DuplicateMatches, DuplicatesFound, RowError
from include.salesforce_emulator.engine.rules.conditions import (
    folded,
    invalid_setup,
    known_field,
    known_object,
    named,
)
from include.salesforce_emulator.engine.setup_users import Bypass
from include.salesforce_emulator.engine.store import Store, quote

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch, Draft
    from include.salesforce_emulator.engine.org_setup import DuplicateRuleSetup, MatchingRule, OrgSetup
    from include.salesforce_emulator.engine.schema import Schema, SObject

MOST_MATCHES = 100
"""Records of one match that are told of (ours)."""
_STANDARD_OBJECTS = frozenset({"Account", "Contact", "Lead"})
_INDEX_PREFIX = "matching:"

Key = tuple[Any, ...]
Matches = dict[int, list[DuplicateMatches]]
"""By position of the draft in the batch, what each matching rule found."""


@dataclass(frozen=True, slots=True)
class _Matching:
    """A matching rule: the fields of the written record, and what finds those that agree."""

    name: str
    target: SObject
    written: tuple[str, ...]
    searched: tuple[str, ...]

    @property
    def index_name(self) -> str:
        return f"{_INDEX_PREFIX}{self.target.name}:{','.join(self.searched)}"

    @property
    def keys_sql(self) -> tuple[str, ...]:
        return tuple(f"sf_lower({quote(name)})" for name in self.searched)

    def key(self, draft: Draft) -> Key | None:
        """Return what a draft is looked up by; None if a value is blank, or nothing that matters changes."""
        if not draft.is_new and not any(draft.changes(name) for name in self.written):
            return None
        key = tuple(folded(draft.after(name)) for name in self.written)
        return None if any(value is None or value == "" for value in key) else key

    def find(self, store: Store, keys: Sequence[Key]) -> dict[Key, list[str]]:
        """Return the Ids of the records that agree with each key."""
        agrees = " AND ".join(
            f"{expression} = json_extract(wanted.value, '$[{position}]')"
            for position, expression in enumerate(self.keys_sql)
        )
        living = "IsDeleted = 0" + (" AND IsConverted = 0" if self.target.name == "Lead" else "")
        rows = store.fetch(
            f"SELECT wanted.key, found.Id FROM json_each(?) AS wanted "  # noqa: S608 - names of the schema
            f"CROSS JOIN {quote(self.target.name)} AS found ON {agrees} WHERE {living} ORDER BY _row",
            (json.dumps(keys),),
        )
        found: dict[Key, list[str]] = defaultdict(list)
        for position, record_id in rows:
            found[keys[position]].append(record_id)
        return found


@dataclass(frozen=True, slots=True)
class _Rule:
    setup: DuplicateRuleSetup
    sobject: SObject
    matchings: tuple[_Matching, ...]
    bypass: Bypass

    def refuses(self, batch: Batch, draft: Draft) -> bool:
        """Whether a draft that has duplicates is refused."""
        if self._blocks(draft):
            return True
        is_overridden = batch.options.allow_duplicates and batch.options.source != "bulk"
        return self.setup.alert and not is_overridden

    def error(self, draft: Draft, matches: Sequence[DuplicateMatches]) -> RowError:
        found = DuplicatesFound(
            self.setup.name, self.sobject.name, allow_save=not self._blocks(draft), matches=tuple(matches)
        )
        return RowError("DUPLICATES_DETECTED", self.setup.message, duplicates=found)

    def _blocks(self, draft: Draft) -> bool:
        return (self.setup.on_create if draft.is_new else self.setup.on_edit) == "block"


class DuplicateRules:
    """The active duplicate rules of one org, by object."""

    def __init__(self, setup: OrgSetup, schema: Schema) -> None:
        """Read the rules.

        Raises:
            SalesforceFault: INVALID_SETUP, a rule names an object or a field the org lacks, or two have one name.
        """
        self._rules: dict[str, list[_Rule]] = defaultdict(list)
        names: set[str] = set()
        for rule in setup.duplicate_rules:
            with named(f"The duplicate rule {rule.name}"):
                if rule.name.lower() in names:
                    raise invalid_setup("Two rules have this name.")
                names.add(rule.name.lower())
                sobject = known_object(schema, rule.sobject)
                if sobject.name not in _STANDARD_OBJECTS and not sobject.custom:
                    raise invalid_setup(f"{sobject.name} takes no duplicate rules.")
                matchings = tuple(_matching(item, sobject, schema) for item in rule.matching_rules)
            if rule.active:
                self._rules[sobject.name].append(_Rule(rule, sobject, matchings, Bypass(rule.bypassed_by)))

    def prepare(self, store: Store) -> None:
        """Make the indexes that the rules search by, and drop those of rules that are gone."""
        wanted = {
            item.index_name: item
            for rules in self._rules.values()
            for rule in rules
            for item in rule.matchings
        }
        with store.transaction() as connection:
            present = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE ?", (f"{_INDEX_PREFIX}%",)
            ).fetchall()
            for (name,) in present:
                if name not in wanted:
                    connection.execute(f"DROP INDEX {quote(name)}")
            for name, matching in wanted.items():
                connection.execute(
                    f"CREATE INDEX IF NOT EXISTS {quote(name)} "
                    f"ON {quote(matching.target.name)} ({', '.join(matching.keys_sql)})"
                )

    def check(self, batch: Batch) -> None:
        """Refuse the drafts that a rule finds duplicates of; the first rule that refuses one is told."""
        for rule in self._rules.get(batch.sobject.name, ()):
            if rule.bypass.covers(batch):
                continue
            drafts = [draft for draft in batch.accepted() if rule.refuses(batch, draft)]
            for position, matches in _matches(rule.matchings, drafts, batch.store).items():
                drafts[position].error = rule.error(drafts[position], matches)
            if len(batch.drafts) > CHUNK_ROWS:
                _check_earlier_saves(rule, batch)


def _matching(rule: MatchingRule, sobject: SObject, schema: Schema) -> _Matching:
    target = known_object(schema, rule.sobject)
    written = tuple(known_field(sobject, name).name for name in rule.fields)
    searched = tuple(known_field(target, name).name for name in rule.fields.values())
    return _Matching(rule.name, target, written, searched)


def _matches(matchings: Iterable[_Matching], drafts: Sequence[Draft], store: Store) -> Matches:
    found_ids: dict[int, dict[tuple[str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for matching in matchings:
        looked_up = ((position, matching.key(draft)) for position, draft in enumerate(drafts))
        keys = {position: key for position, key in looked_up if key is not None}
        if not keys:
            continue
        found = matching.find(store, list(dict.fromkeys(keys.values())))
        for position, key in keys.items():
            ids = [item for item in found.get(key, ()) if item != drafts[position].id]
            if ids:
                found_ids[position][matching.name, matching.target.name] += ids
    return {
        position: [
            DuplicateMatches(name, sobject, tuple(dict.fromkeys(ids))[:MOST_MATCHES])
            for (name, sobject), ids in by_rule.items()
        ]
        for position, by_rule in found_ids.items()
    }


def _check_earlier_saves(rule: _Rule, batch: Batch) -> None:
    """Refuse drafts that look like one of an earlier save of their batch, which has no Id yet to be told."""
    for matching in rule.matchings:
        if matching.target.name != batch.sobject.name:
            continue
        saved: set[Key] = set()
        for first in range(0, len(batch.drafts), CHUNK_ROWS):
            save = batch.drafts[first : first + CHUNK_ROWS]
            accepted = [draft for draft in save if draft.error is None]
            for draft in accepted:
                if rule.refuses(batch, draft) and matching.key(draft) in saved:
                    found = DuplicateMatches(matching.name, matching.target.name, ())
                    draft.error = rule.error(draft, [found])
            saved.update(
                tuple(folded(draft.after(name)) for name in matching.searched)
                for draft in accepted
                if draft.error is None
            )
