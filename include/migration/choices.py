"""What an administrator chooses in the review (rule G6)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from include.errors import AnswerRefusedError
from include.settings.model import EntityType, Integration, MatchingAlgorithm, Settings


class Relabel(StrEnum):
    """Which legacy Events get the suffix and the kind that they lack (rule G6)."""

    UPCOMING = "upcoming"
    ALL = "all"
    NONE = "none"


class Stamp(StrEnum):
    """When legacy Events take our key (rule G8)."""

    ON_NEXT_CHANGE = "on_next_change"
    UPCOMING = "upcoming"
    ALL = "all"


class Choices(BaseModel):
    """The answers of the review's form, and the record type that Person Accounts were tried with; immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity_type: EntityType
    matching_algorithm: MatchingAlgorithm = MatchingAlgorithm.NAME_AND_EMAIL
    relabel_legacy_events: Relabel = Relabel.UPCOMING
    stamp_legacy_events: Stamp = Stamp.ON_NEXT_CHANGE
    person_account_record_type: str = ""

    @classmethod
    def from_answer(cls, answered: Mapping[str, Any], *, offered: tuple[EntityType, ...]) -> Self:
        """Read the form.

        Args:
            answered: the form's values by name.
            offered: the entity types that may be chosen: Person Accounts are not self-serve (rule G7).

        Raises:
            AnswerRefusedError: with every problem; it quotes no value.
        """
        problems: list[str] = []
        choices = None
        try:
            choices = cls.model_validate(dict(answered))
        except ValidationError as refused:
            problems += [_problem(error) for error in refused.errors(include_url=False, include_input=False)]
        named = str(answered.get("entity_type", ""))
        if named in list(EntityType) and EntityType(named) not in offered:
            problems.append(_NOT_OFFERED)
        if problems or choices is None:
            msg = "The choices of the review are refused; nothing was changed:"
            raise AnswerRefusedError(msg, problems)
        return choices

    def applied_to(self, settings: Settings) -> Settings:
        """Return settings as they are once the organisation is on the modern integration with these choices."""
        chosen: dict[str, str] = {
            "integration": Integration.MODERN,
            "entity_type": self.entity_type,
            "matching_algorithm": self.matching_algorithm,
        }
        if self.person_account_record_type:
            chosen["person_account_record_type"] = self.person_account_record_type
        return Settings.model_validate({**settings.model_dump(), **chosen})

    def to_json(self) -> dict[str, Any]:
        """Return the choices as JSON values."""
        return self.model_dump(mode="json")


_NOT_OFFERED: Final = (
    "entity_type: Person Accounts can be chosen once an administrator has completed their extra step "
    '(trigger a run with {"person_accounts": true})'
)


def _problem(error: Mapping[str, Any]) -> str:
    name = ".".join(map(str, error["loc"])) or "the form"
    if error["type"] == "extra_forbidden":
        return f"{name}: there is no such choice"
    return f"{name}: {str(error['msg'])[:1].lower()}{str(error['msg'])[1:]}"
