"""``python -m include.mapping``: write ``docs/field-mapping.md`` anew."""

from __future__ import annotations

from pathlib import Path

from include.mapping.field_guide import field_guide

GUIDE = Path(__file__).parents[2] / "docs" / "field-mapping.md"

if __name__ == "__main__":
    GUIDE.write_text(field_guide(), encoding="utf-8")
    print(f"{GUIDE.name} is written.")
