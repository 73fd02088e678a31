"""Sign-in: from credentials to an access token, and who that is."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import jwt
import requests
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin

from include.errors import ConfigurationError, SalesforceUnavailableError, SignInRefusedError
from include.salesforce.credentials import Grant, SalesforceCredentials
from include.salesforce.record_ids import to_18

_SHARED_DOMAINS: Final = frozenset({"login", "test"})
# Never leaves this process: the transport sends what is addressed to it to instance_url.
_STAND_IN_DOMAIN: Final = "my-domain.my"
_IDENTITY_URL: Final = re.compile(r"/id/(00D\w+)/(005\w+)\Z")
_SOAP_ORGANIZATION: Final = re.compile(r"<organizationId>(00D\w+)</organizationId>")
_SOAP_USER: Final = re.compile(r"<userId>(005\w+)</userId>")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An access token, the host that honours it, and whose it is (Ids of 18 characters, empty where not told)."""

    access_token: str = field(repr=False)
    host: str
    organization_id: str
    user_id: str


def sign_in_domain(credentials: SalesforceCredentials) -> str:
    """Return the ``domain`` under which simple-salesforce signs in.

    Client credentials exist on a My Domain only ("OAuth 2.0 Client Credentials Flow"); for a JWT the domain is also
    its audience, which Salesforce wants to be ``login``, or ``test`` for a sandbox ("OAuth 2.0 JWT Bearer Flow").

    Raises:
        ConfigurationError: client credentials without a My Domain.
    """
    host = urlsplit(credentials.base_url or "").hostname or ""
    domain = credentials.domain or ("test" if ".sandbox." in host else "login")
    if credentials.grant is not Grant.CLIENT_CREDENTIALS or domain not in _SHARED_DOMAINS:
        return domain
    if host.endswith(".salesforce.com"):
        return host.removesuffix(".salesforce.com")
    if host:
        return _STAND_IN_DOMAIN
    msg = (
        f"The connection {credentials.connection_id} signs in by client credentials, which works on a My Domain only: "
        "set its instance_url to https://your-domain.my.salesforce.com."
    )
    raise ConfigurationError(msg)


def sign_in(credentials: SalesforceCredentials, session: requests.Session) -> SignedIn:
    """Sign in over ``session`` and return the token.

    Raises:
        SignInRefusedError: Salesforce refuses the credentials.
        ConfigurationError: the private key cannot be used.
        SalesforceUnavailableError: Salesforce does not answer, or with a server error.
    """
    answers: list[requests.Response] = []
    answer_hook = {"response": lambda response, **_: answers.append(response)}
    arguments = _login_arguments(credentials)
    session.hooks["response"].append(answer_hook["response"])
    # The exceptions' own texts may quote user names, so they are not chained into logs.
    try:
        with warnings.catch_warnings():
            # It advises on an unapproved app in a warning that spells out the consumer key.
            warnings.simplefilter("ignore", UserWarning)
            token, host = SalesforceLogin(session=session, sf_version=credentials.api_version, **arguments)
    except (SalesforceAuthenticationFailed, AttributeError, TypeError, ExpatError) as error:
        raise _refusal(credentials, error, answers) from None
    except requests.exceptions.SSLError:
        msg = (
            f"The certificate of the org that the connection {credentials.connection_id} names is not trusted: "
            "set ca_file, or correct instance_url."
        )
        raise ConfigurationError(msg) from None
    except requests.RequestException:
        msg = (
            f"Salesforce cannot be reached through the connection {credentials.connection_id}: "
            "check its instance_url and the network."
        )
        raise SalesforceUnavailableError(msg) from None
    except (jwt.PyJWTError, ValueError):
        raise ConfigurationError(_unusable_key(credentials)) from None
    finally:
        session.hooks["response"].remove(answer_hook["response"])
    if not isinstance(token, str):
        raise _refusal(credentials, None, answers)
    organization_id, user_id = _identity(answers[-1])
    return SignedIn(access_token=token, host=host, organization_id=organization_id, user_id=user_id)


def _login_arguments(credentials: SalesforceCredentials) -> dict[str, Any]:
    domain = sign_in_domain(credentials)
    match credentials.grant:
        case Grant.JWT_BEARER:
            return {
                "domain": domain,
                "username": credentials.username,
                "consumer_key": credentials.consumer_key,
                "privatekey": _private_key(credentials),
            }
        case Grant.CLIENT_CREDENTIALS:
            return {
                "domain": domain,
                "consumer_key": credentials.consumer_key,
                "consumer_secret": credentials.consumer_secret,
            }
        case Grant.PASSWORD:
            return {
                "domain": domain,
                "username": credentials.username,
                "password": credentials.password,
                "security_token": credentials.security_token or "",
            }


def _private_key(credentials: SalesforceCredentials) -> str:
    if credentials.private_key:
        return credentials.private_key
    try:
        return Path(credentials.private_key_file or "").read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise ConfigurationError(_unusable_key(credentials)) from error


def _unusable_key(credentials: SalesforceCredentials) -> str:
    return (
        f"The private key of the connection {credentials.connection_id} cannot be read or is no RSA key in PEM form: "
        "correct private_key or private_key_file_path."
    )


def _refusal(
    credentials: SalesforceCredentials, error: Exception | None, answers: list[requests.Response]
) -> ConfigurationError | SalesforceUnavailableError:
    status = answers[-1].status_code if answers else 0
    if status >= 500 or status == 429:  # simple-salesforce calls these authentication failures as well
        return SalesforceUnavailableError(
            f"Salesforce answered the sign-in with HTTP status {status}; try later."
        )
    code = str(getattr(error, "code", "") or "no token in the answer")
    return SignInRefusedError(
        f"Salesforce refused the sign-in of the connection {credentials.connection_id} ({code}): "
        "check its user name, password, key or secret, and that its user is active and may use the app."
    )


def _identity(answer: requests.Response) -> tuple[str, str]:
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        found = _IDENTITY_URL.search(str(answer.json().get("id", "")))
        return (to_18(found[1]), to_18(found[2])) if found else ("", "")
    organization, user = _SOAP_ORGANIZATION.search(answer.text), _SOAP_USER.search(answer.text)
    return (to_18(organization[1]) if organization else "", to_18(user[1]) if user else "")
