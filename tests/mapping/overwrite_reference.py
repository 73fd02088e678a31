"""Rule M5 once more, one field of one record at a time, sharing no code with what it checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Field:
    """What stands in one field of one record, what Coconut says, and what we wrote before, one text per client."""

    kind: str
    policy: str
    stored: str | None
    desired: str | None
    written: tuple[str | None, ...]
    stand_in: str


@dataclass(frozen=True)
class Fate:
    written: str | None = None
    replaces_user: bool = False
    keeps_user: bool = False


def meaning(text: str | None, kind: str, stand_in: str) -> object:
    """Return what a text means in its field; a blank one means nothing."""
    plain = (text or "").replace("\r\n", "\n").replace("\r", "\n").strip()
    if plain in {"", "#N/A"} or (stand_in and plain == stand_in.strip()):
        return None
    if kind == "double":
        return float(plain)
    if kind == "datetime":
        when = datetime.fromisoformat(plain)
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    return plain.lower() if kind in {"email", "boolean"} else plain


def decide(field: Field) -> Fate:
    now = meaning(field.stored, field.kind, field.stand_in)
    said = meaning(field.desired, field.kind, field.stand_in)
    ours = [meaning(text, field.kind, field.stand_in) for text in field.written if text is not None]
    is_of_a_user = now not in ours if ours else now is not None
    if field.policy == "never" or field.desired is None or said == now:
        return Fate()
    if field.policy == "always":
        return Fate(written=field.desired, replaces_user=is_of_a_user)
    if now is None and not is_of_a_user:
        return Fate(written=field.desired)
    return Fate(keeps_user=bool(ours) and is_of_a_user)
