"""The switch that disables a client, beside Coconut's own flag."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from include.ledger.repository import Ledger
from include.ledger.tables import client_switches
from tests.ledger.builders import at


@pytest.mark.rule("T4")
def test_the_newest_move_of_a_switch_is_in_force(ledger: Ledger) -> None:
    assert ledger.disable_clients(["7", "8"], who="ada", now=at(1)) == {"7", "8"}
    assert ledger.disabled_clients(["7", "8", "9"]) == {"7", "8"}
    assert ledger.enable_clients(["7"], who="ben", now=at(2)) == {"7"}
    assert ledger.disabled_clients(["7", "8", "9"]) == {"8"}
    assert ledger.disable_clients(["7"], who="ada", now=at(3)) == {"7"}
    assert ledger.disabled_clients(["7"]) == {"7"}


@pytest.mark.rule("T4")
@pytest.mark.rule("C4")
def test_every_move_is_kept_with_who_made_it_and_a_switch_that_is_there_already_does_not_move(
    ledger: Ledger,
) -> None:
    ledger.disable_clients(["7"], who="ada", now=at(1))
    assert ledger.disable_clients(["7"], who="ben", now=at(2)) == frozenset()
    assert ledger.enable_clients(["8"], who="ben", now=at(2)) == frozenset()
    ledger.enable_clients(["7"], who="ben", now=at(3))
    columns = client_switches.c
    query = select(columns.client_id, columns.is_disabled, columns.changed_by, columns.changed_at)
    with ledger.engine.connect() as connection:
        kept = [tuple(row) for row in connection.execute(query.order_by(columns.id))]
    assert kept == [("7", True, "ada", at(1)), ("7", False, "ben", at(3))]
