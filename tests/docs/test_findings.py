"""The manual lists what reconciliation may find as the code has it."""

from __future__ import annotations

import pytest

from include.reconcile.findings import FINDINGS
from tests.docs.test_docs import OPERATIONS, plain, rows

pytestmark = pytest.mark.rule("docs")


def test_the_manual_lists_every_finding_as_the_code_has_it() -> None:
    listed = [tuple(map(plain, cells)) for cells in rows(OPERATIONS, columns=3)]
    known = [cells for cells in listed if cells[0] in set(map(str, FINDINGS))]
    assert known == [(str(finding), text.text, text.repair) for finding, text in FINDINGS.items()]
