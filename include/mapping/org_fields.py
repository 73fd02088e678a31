"""What the org says about the fields that are written, as facts that rules can be handed (rules F3, F4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from include.settings.field_mapping import FieldMapping


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field as our user may use it ("sObject Describe", REST API guide).

    ``length`` counts characters and is 0 where it has no meaning; ``digits`` are those before the decimal point, 0
    where the field holds no number.
    """

    type: str
    label: str = ""
    length: int = 0
    digits: int = 0
    createable: bool = True
    updateable: bool = True
    nillable: bool = True
    has_default: bool = False
    is_custom: bool = False
    is_calculated: bool = False
    is_restricted: bool = False
    picklist_values: tuple[str, ...] = ()  # the active ones
    reference_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrgFields:
    """The fields of each object by API name; a field that our user may not see is absent."""

    objects: Mapping[str, Mapping[str, FieldFacts]] = field(default_factory=dict)

    def fact(self, sobject: str, name: str) -> FieldFacts | None:
        """Return what is known of one field, if it is there."""
        return self.objects.get(sobject, {}).get(name)

    def length(self, sobject: str, name: str) -> int | None:
        """Return how many characters a field takes; nothing where the field is unknown or has no length."""
        facts = self.fact(sobject, name)
        return facts.length if facts is not None and facts.length else None

    def lengths(self, mappings: Iterable[FieldMapping]) -> dict[str, int]:
        """Return how many characters each mapped field takes at most, on whichever of its sObjects that is most."""
        longest: dict[str, int] = {}
        for mapping in mappings:
            length = self.length(mapping.sobject, mapping.target)
            if length is not None:
                longest[mapping.target] = max(length, longest.get(mapping.target, 0))
        return longest

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {
            sobject: {name: asdict(facts) for name, facts in fields.items()}
            for sobject, fields in self.objects.items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> OrgFields:
        """Return the facts that ``to_json`` wrote."""
        return cls(
            {
                sobject: {name: _facts(facts) for name, facts in fields.items()}
                for sobject, fields in values.items()
            }
        )


def _facts(values: Mapping[str, Any]) -> FieldFacts:
    lists = {name: tuple(values[name]) for name in ("picklist_values", "reference_to")}
    return FieldFacts(**{**values, **lists})
