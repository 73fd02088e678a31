from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.migration.tally import Tally

pytestmark = pytest.mark.rule("G5")

PAIRS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.text(max_size=5)), max_size=8)


def tally(pairs: list[tuple[str, str | None]]) -> Tally:
    keys, values = zip(*pairs, strict=True) if pairs else ((), ())
    return Tally.of(pd.Series(keys, dtype="str"), pd.Series(values, dtype="str"))


@given(st.data(), PAIRS)
def test_the_order_of_pairs_does_not_count_and_parts_add_up(
    data: Any, pairs: list[tuple[str, str | None]]
) -> None:
    shuffled = data.draw(st.permutations(pairs))
    cut = data.draw(st.integers(0, len(pairs)))
    assert tally(list(shuffled)) == tally(pairs) == tally(pairs[:cut]) + tally(pairs[cut:])


def test_another_value_key_or_number_of_pairs_makes_another_tally() -> None:
    kinds: list[list[tuple[str, str | None]]] = [
        [("1-7", "a")],
        [("1-7", "b")],
        [("1-8", "a")],
        [("1-7a", "")],
        [("1-7", None)],
        [("1-7", "a"), ("1-7", "a")],
        [],
    ]
    assert len({tally(one) for one in kinds}) == len(kinds)


def test_a_tally_survives_json() -> None:
    one = tally([("1-7", "a"), ("1-8", None)])
    assert Tally.from_json(one.to_json()) == one
    assert one.to_json()["checksum"] == f"{one.checksum:016x}"


def test_a_checksum_never_changes_from_release_to_release() -> None:
    """The facts of a migration outlive the release that noted them."""
    assert tally([("1-7", "00U000000000001AAA")]).to_json() == {"count": 1, "checksum": "2903e9ce76014020"}
