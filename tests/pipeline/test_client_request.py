"""What a person may ask ``sync_clients`` for, and how it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ConfigurationError
from include.pipeline.client_request import ClientRequest
from include.pipeline.request_values import shown_ids

pytestmark = pytest.mark.rule("T3")


@pytest.mark.parametrize(
    "given", [[12, 34], ["34", "12"], "12, 34", "34;12", " 12\n34 ", ["12,34", 12]], ids=repr
)
def test_ids_are_a_list_or_text_in_any_order(given: Any) -> None:
    assert ClientRequest.from_conf({"client_ids": given}).client_ids == (12, 34)


@pytest.mark.parametrize("conf", [{}, {"client_ids": "", "booking_ids": []}, {"client_ids": None}], ids=repr)
def test_a_request_may_name_nobody(conf: dict[str, Any]) -> None:
    request = ClientRequest.from_conf(conf)
    assert request == ClientRequest()
    assert not request.names_somebody


@pytest.mark.parametrize("conf", [{"client_ids": 12}, {"booking_ids": "7"}, {"rematch": True}], ids=repr)
def test_ids_and_a_rematch_name_somebody(conf: dict[str, Any]) -> None:
    assert ClientRequest.from_conf(conf).names_somebody


def test_everything_that_is_no_id_is_refused_together() -> None:
    with pytest.raises(ConfigurationError) as refused:
        ClientRequest.from_conf({"client_ids": ["12", "Ann"], "booking_ids": "-1 1.5 " + "9" * 19})
    assert refused.value.problems == (
        "client_ids: 1 of 2 are no ids of Coconut",
        "booking_ids: 3 of 3 are no ids of Coconut",
    )
    assert "Ann" not in str(refused.value)


def test_equal_requests_have_equal_texts_and_others_do_not() -> None:
    def text(version: int = 1, **conf: Any) -> str:
        return ClientRequest.from_conf(conf).to_text(mapping_version=version)

    assert text(client_ids="2 1", rematch=True) == text(client_ids=[1, 2], rematch=True)
    others = {
        text(client_ids=[1]),
        text(client_ids=[1], rematch=True),
        text(booking_ids=[1]),
        text(client_ids=[1], move_past_events=True),
        text(2, client_ids=[1]),
    }
    assert len(others) == 5


def test_of_many_ids_a_message_shows_the_first() -> None:
    assert shown_ids([1, 2]) == "1, 2"
    assert shown_ids(range(100)).endswith("18, 19 and 80 more")
