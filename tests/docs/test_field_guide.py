"""The page on field mappings says what the code says (rule F1)."""

from __future__ import annotations

import pytest

from include.mapping.__main__ import GUIDE
from include.mapping.field_guide import field_guide

pytestmark = pytest.mark.rule("docs")


def test_the_page_on_field_mappings_is_what_the_code_writes() -> None:
    assert GUIDE.read_text(encoding="utf-8") == field_guide(), "run: python -m include.mapping"
