from __future__ import annotations

import pytest

from include.errors import ConfigurationError
from include.salesforce.credentials import Grant, SalesforceCredentials, is_loopback
from include.salesforce.sign_in import sign_in_domain

KEY_AND_SECRET: dict[str, str] = {"consumer_key": "key", "consumer_secret": "secret"}


@pytest.mark.rule("P2")
@pytest.mark.parametrize(
    ("given", "grant"),
    [
        ({**KEY_AND_SECRET, "username": "u", "private_key_file": "/key.pem"}, Grant.JWT_BEARER),
        ({**KEY_AND_SECRET, "username": "u", "password": "p"}, Grant.CLIENT_CREDENTIALS),
        ({"username": "u", "password": "p", "security_token": "t"}, Grant.PASSWORD),
    ],
)
def test_the_strongest_grant_that_the_credentials_allow_is_used(given: dict[str, str], grant: Grant) -> None:
    assert SalesforceCredentials(**given).grant is grant  # type: ignore[arg-type]


@pytest.mark.rule("P2")
def test_credentials_that_cannot_sign_in_name_their_connection() -> None:
    with pytest.raises(ConfigurationError, match="salesforce_default cannot sign in"):
        _ = SalesforceCredentials(username="u").grant


def test_no_secret_shows_in_the_text_form() -> None:
    shown = repr(
        SalesforceCredentials(
            username="person",
            password="pw",
            security_token="tok",
            consumer_key="ck",
            consumer_secret="cs",
            private_key="pk",
        )
    )
    assert not any(secret in shown for secret in ("person", "'pw'", "tok'", "'ck'", "'cs'", "'pk'"))


@pytest.mark.parametrize(
    "url", ["http://acme.my.salesforce.com", "http://10.0.0.1:8000", "http://localhost.example.org"]
)
def test_plain_http_to_another_machine_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="plain http"):
        _ = SalesforceCredentials(instance_url=url).base_url


@pytest.mark.parametrize("url", ["acme.my.salesforce.com", "ftp://acme", "https://"])
def test_an_instance_url_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a URL"):
        _ = SalesforceCredentials(instance_url=url).base_url


def test_the_base_url_is_scheme_and_host_alone() -> None:
    credentials = SalesforceCredentials(instance_url="https://acme.my.salesforce.com/services/data/")
    assert credentials.base_url == "https://acme.my.salesforce.com"


def test_loopback_is_this_machine_only() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1")] == [True] * 4
    assert not any(is_loopback(host) for host in ("0.0.0.0", "10.0.0.1", "example.org", ""))


@pytest.mark.rule("P2")
def test_client_credentials_need_a_my_domain() -> None:
    with pytest.raises(ConfigurationError, match="My Domain"):
        sign_in_domain(SalesforceCredentials(**KEY_AND_SECRET, domain="login"))
    of_instance = SalesforceCredentials(**KEY_AND_SECRET, instance_url="https://acme.my.salesforce.com")
    assert sign_in_domain(of_instance) == "acme.my"
    assert sign_in_domain(SalesforceCredentials(**KEY_AND_SECRET, domain="acme.my")) == "acme.my"


@pytest.mark.rule("P2")
def test_a_sandbox_is_the_audience_of_its_tokens() -> None:
    key = {"consumer_key": "key", "username": "u", "private_key": "pem"}
    sandbox = SalesforceCredentials(**key, instance_url="https://acme--uat.sandbox.my.salesforce.com")
    assert sign_in_domain(sandbox) == "test"
    assert (
        sign_in_domain(SalesforceCredentials(**key, instance_url="https://acme.my.salesforce.com")) == "login"
    )
    assert sign_in_domain(SalesforceCredentials(**key, domain="test")) == "test"


@pytest.mark.parametrize("version", ["64.0", "64", "v64.0", " 64.0 "])
def test_a_version_is_understood_as_people_write_it(version: str) -> None:
    assert SalesforceCredentials(**KEY_AND_SECRET, version=version).api_version == "64.0"


@pytest.mark.parametrize("version", ["", "latest", "64.5", "6"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as"):
        _ = SalesforceCredentials(**KEY_AND_SECRET, version=version).api_version


@pytest.mark.rule("P2")
def test_a_password_signs_in_up_to_version_64_only() -> None:
    with pytest.raises(ConfigurationError, match="use a consumer key"):
        _ = SalesforceCredentials(username="u", password="p", version="65.0").api_version
    assert SalesforceCredentials(**KEY_AND_SECRET, version="66.0").api_version == "66.0"
