"""Every sign-in of simple-salesforce 1.12.10, and each refusal with the library's own exception."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceExpiredSession
from simple_salesforce.login import SalesforceLogin

from tests.contract.library import Library
from tests.emulator.clients import client_session

pytestmark = [pytest.mark.rule("P2"), pytest.mark.rule("P3")]


def _is_in(client: Salesforce, library: Library) -> bool:
    """Tell whether the client acts as the integration user."""
    user_id: str = client.oauth2("userinfo")["user_id"]
    return user_id == library.org.announcement["user_id"]


@pytest.mark.parametrize("version", ["31.0", "59.0", "64.0"])
def test_soap_login_takes_password_and_token_up_to_version_64(library: Library, version: str) -> None:
    client = library.sign_in(**library.announced("username", "password", "security_token"), version=version)
    assert client.auth_type == "password"
    assert client.sf_instance == urlsplit(library.org.url).netloc
    assert _is_in(client, library)


@pytest.mark.parametrize("version", ["65.0", "68.0"])
def test_soap_login_is_gone_from_version_65(library: Library, version: str) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        library.sign_in(**library.announced("username", "password", "security_token"), version=version)
    assert refused.value.code == "INVALID_OPERATION"


@pytest.mark.parametrize(
    "wrong", [{"password": "wrong"}, {"security_token": "wrong"}, {"username": "no@one.example"}]
)
def test_soap_login_refuses_what_is_wrong(library: Library, wrong: dict[str, str]) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        library.sign_in(**{**library.announced("username", "password", "security_token"), **wrong})
    assert refused.value.code == "INVALID_LOGIN"


def test_soap_login_takes_the_organization_in_place_of_the_token(library: Library) -> None:
    organization = library.client().query("SELECT Id FROM Organization")["records"][0]["Id"]
    client = library.sign_in(**library.announced("username", "password"), organizationId=organization)
    assert client.auth_type == "ipfilter"
    assert _is_in(client, library)


def test_oauth_takes_password_and_consumer_key(library: Library) -> None:
    names = ("username", "password", "consumer_key", "consumer_secret")
    client = library.sign_in(**library.announced(*names))
    assert _is_in(client, library)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"password": "wrong"}, "invalid_grant"),
        ({"consumer_key": "wrong"}, "invalid_client_id"),
        ({"consumer_secret": "wrong"}, "invalid_client"),
    ],
)
def test_oauth_password_refuses_what_is_wrong(library: Library, wrong: dict[str, str], code: str) -> None:
    names = ("username", "password", "consumer_key", "consumer_secret")
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        library.sign_in(**{**library.announced(*names), **wrong})
    assert refused.value.code == code


@pytest.mark.parametrize("domain", ["login", "acme.my"])
@pytest.mark.parametrize("is_file", [True, False], ids=["key file", "key text"])
def test_a_jwt_is_signed_with_a_key_file_or_its_text(library: Library, domain: str, is_file: bool) -> None:
    file = library.org.announcement["private_key_file"]
    key: dict[str, Any] = {"privatekey_file": file} if is_file else {"privatekey": Path(file).read_text()}
    client = library.sign_in(**library.announced("username", "consumer_key"), **key, domain=domain)
    assert client.auth_type == "jwt-bearer"
    assert _is_in(client, library)


def test_a_jwt_of_another_key_is_refused(library: Library) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid assertion") as refused:
        library.sign_in(**library.announced("username", "consumer_key"), privatekey=stranger.decode())
    assert refused.value.code == "invalid_grant"


def test_a_jwt_of_a_user_who_did_not_approve_the_app_is_refused_with_advice(library: Library) -> None:
    file = library.org.announcement["private_key_file"]
    with (
        pytest.warns(UserWarning, match="authorize this"),
        pytest.raises(SalesforceAuthenticationFailed, match="hasn't approved"),
    ):
        library.sign_in(**library.announced("consumer_key"), username="no@one.example", privatekey_file=file)


def test_client_credentials_work_on_a_my_domain(library: Library) -> None:
    client = library.client()
    assert client.auth_type == "client-credentials"
    assert _is_in(client, library)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"consumer_key": "wrong"}, "invalid_client_id"), ({"consumer_secret": "wrong"}, "invalid_client")],
)
def test_client_credentials_refuse_what_is_wrong(library: Library, wrong: dict[str, str], code: str) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        library.sign_in(**{**library.announced("consumer_key", "consumer_secret"), **wrong}, domain="acme.my")
    assert refused.value.code == code


def test_the_library_itself_refuses_client_credentials_on_a_shared_domain(library: Library) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="security token"):
        library.sign_in(**library.announced("consumer_key", "consumer_secret"), domain="login")
    assert library.org.calls()["login"] == 0


@pytest.mark.parametrize("name", ["instance", "instance_url"])
def test_a_session_id_needs_no_sign_in(library: Library, name: str) -> None:
    token, url = library.client().session_id, library.org.url
    library.org.forget_calls()
    place = url if name == "instance_url" else urlsplit(url).netloc
    client = library.sign_in(session_id=token, **{name: place})
    assert client.auth_type == "direct"
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000
    assert library.org.calls() == {"limits": 1}


def test_a_session_id_nobody_was_given_is_an_expired_session(library: Library) -> None:
    client = library.sign_in(session_id="wrong", instance_url=library.org.url)
    with pytest.raises(SalesforceExpiredSession):
        client.limits()


def test_a_client_that_signed_in_by_itself_does_so_again_when_its_session_ended(library: Library) -> None:
    client = library.client()
    lead = client.Lead.create({"LastName": "Hopper", "Company": "Navy"})["id"]
    library.org.control("DELETE", "sessions")
    assert client.query("SELECT Id FROM Lead")["totalSize"] == 1
    library.org.control("DELETE", "sessions")
    assert client.Lead.get(lead)["LastName"] == "Hopper"
    assert library.org.calls()["login"] == 3


def test_a_server_error_at_sign_in_looks_like_a_refusal(library: Library) -> None:
    body = '{"error": "SERVER_UNAVAILABLE"}'
    library.org.script({"type": "respond", "kind": "login", "times": 2, "body": body})
    with pytest.raises(SalesforceAuthenticationFailed, match="503"):
        library.sign_in(**library.announced("username", "password", "security_token"))
    with pytest.raises(SalesforceAuthenticationFailed, match="SERVER_UNAVAILABLE"):
        library.client()


def test_a_sign_in_alone_gives_token_and_host(library: Library) -> None:
    token, host = SalesforceLogin(
        **library.announced("consumer_key", "consumer_secret"),
        domain="acme.my",
        session=client_session(library.org),
    )
    assert (token[:3], host) == ("00D", urlsplit(library.org.url).netloc)
