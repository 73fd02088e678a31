from __future__ import annotations

from http import HTTPStatus

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server.app import require_loopback

pytestmark = pytest.mark.rule("P3")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1"])
def test_control_endpoints_answer_the_machine_itself(host: str) -> None:
    require_loopback({"client": (host, 5000)})


@pytest.mark.parametrize("client", [("192.0.2.7", 5000), ("2001:db8::1", 5000), None])
def test_control_endpoints_refuse_everybody_else(client: tuple[str, int] | None) -> None:
    with pytest.raises(SalesforceFault) as refusal:
        require_loopback({"client": client})
    assert refusal.value.http_status == HTTPStatus.FORBIDDEN
