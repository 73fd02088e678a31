"""The names of questions, as field mappings know them (rule F3)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert

from include.source.questions import read_question_names
from include.source.tables import create_all, questions
from tests.engines import OpenEngine


@pytest.mark.rule("F3")
def test_questions_of_both_scopes_are_known_once_and_those_without_a_name_are_not(
    tmp_path: Path, open_engine: OpenEngine
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    create_all(engine)
    assert read_question_names(engine) == frozenset()
    asked = [("goal", "appointment"), ("Trade", "client"), ("goal", "client"), (None, "client")]
    rows = [{"id": id_, "name": name, "scope": scope} for id_, (name, scope) in enumerate(asked, start=1)]
    with engine.begin() as connection:
        connection.execute(insert(questions), rows)
    assert read_question_names(engine) == {"goal", "Trade"}
