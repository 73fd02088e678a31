from __future__ import annotations

import pytest

from include.ledger.repository import Ledger
from tests.ledger.builders import at, staff_links

OTHER = "005000000000009AAA"


def user_of(ledger: Ledger, staff_id: str = "5") -> str:
    return ledger.staff_links().set_index("staff_id")["salesforce_user_id"][staff_id]


@pytest.mark.rule("S7")
def test_saving_the_same_links_again_moves_nothing(ledger: Ledger) -> None:
    links = staff_links(
        {}, {"staff_id": "6", "salesforce_user_id": None, "user_is_active": False, "reason": "no_user"}
    )
    assert ledger.save_staff_links(links, at(1)) == 2
    assert ledger.save_staff_links(links, at(2)) == 0
    assert ledger.staff_links().equals(links)


@pytest.mark.rule("S7")
def test_a_link_that_an_administrator_set_is_not_replaced_by_an_email(ledger: Ledger) -> None:
    ledger.save_staff_links(staff_links({"set_by": "administrator"}), at(1))
    assert ledger.save_staff_links(staff_links({"salesforce_user_id": OTHER}), at(2)) == 0
    assert user_of(ledger) != OTHER


@pytest.mark.rule("S7")
def test_an_administrator_replaces_any_link(ledger: Ledger) -> None:
    ledger.save_staff_links(staff_links({}), at(1))
    changed = staff_links({"salesforce_user_id": OTHER, "set_by": "administrator"})
    assert ledger.save_staff_links(changed, at(2)) == 1
    assert user_of(ledger) == OTHER


@pytest.mark.rule("S7")
@pytest.mark.rule("G8")
def test_a_link_carried_over_from_the_legacy_integration_yields_to_an_administrator_alone(
    ledger: Ledger,
) -> None:
    ledger.save_staff_links(staff_links({"set_by": "legacy"}), at(1))
    assert ledger.save_staff_links(staff_links({"salesforce_user_id": OTHER}), at(2)) == 0
    gone = staff_links({"set_by": "legacy", "user_is_active": False})
    assert ledger.save_staff_links(gone, at(3)) == 1
    changed = staff_links({"salesforce_user_id": OTHER, "set_by": "administrator"})
    assert ledger.save_staff_links(changed, at(4)) == 1
    assert ledger.save_staff_links(staff_links({"set_by": "legacy"}), at(5)) == 0


@pytest.mark.rule("S7")
def test_a_deactivated_user_counts_as_a_moved_link(ledger: Ledger) -> None:
    ledger.save_staff_links(staff_links({}), at(1))
    assert ledger.save_staff_links(staff_links({"user_is_active": False}), at(2)) == 1


@pytest.mark.rule("S7")
def test_the_ledger_knows_when_staff_were_synced(ledger: Ledger) -> None:
    assert ledger.staff_synced_at() is None
    ledger.mark_staff_synced(at(1))
    ledger.mark_staff_synced(at(2))
    assert ledger.staff_synced_at() == at(2)
