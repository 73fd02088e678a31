from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from include.errors import ConfigurationError, SalesforceUnavailableError
from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.gateway import SalesforceGateway
from include.salesforce.transport import open_session
from include.salesforce.usage import ApiUsage
from tests.local_org import LocalOrg, started

Connect = Callable[..., SalesforceGateway]


def by_key(org: LocalOrg) -> SalesforceCredentials:
    told = org.announcement
    return SalesforceCredentials(
        instance_url=org.url,
        username=told["username"],
        consumer_key=told["consumer_key"],
        private_key_file=told["private_key_file"],
    )


def by_secret(org: LocalOrg) -> SalesforceCredentials:
    told = org.announcement
    return SalesforceCredentials(
        instance_url=org.url, consumer_key=told["consumer_key"], consumer_secret=told["consumer_secret"]
    )


def by_password(org: LocalOrg) -> SalesforceCredentials:
    told = org.announcement
    return SalesforceCredentials(
        instance_url=org.url,
        username=told["username"],
        password=told["password"],
        security_token=told["security_token"],
    )


@pytest.mark.rule("P2")
@pytest.mark.parametrize("grant", [by_key, by_secret, by_password])
def test_every_grant_signs_in_once_and_learns_who_it_is(
    org: LocalOrg, connect: Connect, grant: Callable[[LocalOrg], SalesforceCredentials]
) -> None:
    gateway = connect(grant(org))
    assert gateway.user_id == org.announcement["user_id"]
    assert gateway.organization_id == org.control("GET", "health")["organization_id"]
    assert len(gateway.organization_id) == 18
    assert gateway.usage.calls["login"] == 1
    assert gateway.base_url == org.url


@pytest.mark.rule("P2")
@pytest.mark.parametrize(
    ("grant", "spoiled"),
    [
        (by_secret, {"consumer_secret": "wrong-secret-word"}),
        (by_secret, {"consumer_key": "wrong-secret-word"}),
        (by_password, {"password": "wrong-secret-word"}),
        (by_key, {"username": "wrong-secret-word@example.org"}),
    ],
)
def test_wrong_credentials_name_the_connection_and_no_secret(
    org: LocalOrg,
    connect: Connect,
    grant: Callable[[LocalOrg], SalesforceCredentials],
    spoiled: dict[str, str],
) -> None:
    with pytest.raises(
        ConfigurationError, match="refused the sign-in of the connection salesforce_default"
    ) as refusal:
        connect(replace(grant(org), **spoiled))  # type: ignore[arg-type]
    assert "wrong-secret-word" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.rule("P2")
def test_a_key_that_is_no_key_says_what_to_correct(org: LocalOrg, connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("not a key", encoding="ascii")
    for path in ("key.pem", "absent.pem"):
        with pytest.raises(ConfigurationError, match="private_key_file_path"):
            connect(replace(by_key(org), private_key_file=str(tmp_path / path)))


def test_an_org_that_nobody_serves_is_unavailable(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    gone = SalesforceCredentials(
        instance_url=f"http://127.0.0.1:{port}", consumer_key="k", consumer_secret="s"
    )
    with pytest.raises(SalesforceUnavailableError, match="cannot be reached through the connection"):
        connect(gone)


@pytest.mark.rule("Q6")
@pytest.mark.parametrize("body", [None, "<html>down for maintenance</html>"])
def test_a_server_error_at_sign_in_is_no_fault_of_the_credentials(
    org: LocalOrg, connect: Connect, body: str | None
) -> None:
    org.script({"type": "respond", "kind": "login", "status": 503, "body": body})
    with pytest.raises(SalesforceUnavailableError, match="HTTP status 503"):
        connect(by_secret(org))


def test_nothing_leaves_this_machine_over_plain_http() -> None:
    with (
        open_session(
            ApiUsage(), base_url="http://127.0.0.1:9", sign_in_host="x.salesforce.com", ca_file=None
        ) as session,
        pytest.raises(ConfigurationError, match="plain http"),
    ):
        session.get("http://acme.my.salesforce.com/services/data")


def test_a_netrc_entry_cannot_replace_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with open_session(
        ApiUsage(), base_url="http://127.0.0.1:9", sign_in_host="x.salesforce.com", ca_file=None
    ) as session:
        assert not session.trust_env


@pytest.mark.rule("P2")
def test_an_org_with_a_certificate_of_its_own_is_trusted_by_its_ca_file_only(connect: Connect) -> None:
    with started("--tls") as org:
        trusted = replace(by_secret(org), ca_file=org.announcement["ca_file"])
        assert connect(trusted).query_frame("SELECT Id FROM Lead").empty
        with pytest.raises(ConfigurationError, match="ca_file"):
            connect(by_secret(org))
