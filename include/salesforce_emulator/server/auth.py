"""Sign-in by OAuth: client credentials, JWT bearer and password.

Facts: REST API Developer Guide (OAuth flows), and the exact requests of simple-salesforce. The words of a refused JWT
are those that orgs were seen to answer: salesforce.stackexchange.com questions 282513 (expired) and 184363 (audience, a
user who is not known); that of an inactive user is Salesforce Help's, *OAuth 2.0 Authorization Errors*.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import jwt
from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault, resource_not_found
from include.salesforce_emulator.engine.org import Org
from include.salesforce_emulator.server.credentials import Credentials
from include.salesforce_emulator.server.identity import identity_url
from include.salesforce_emulator.server.sessions import Sessions
from include.salesforce_emulator.server.wire import ApiRequest, json_response

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_USERS = "SELECT Id, Username FROM User WHERE IsActive = true"
_INACTIVE_USERS = "SELECT Username FROM User WHERE IsActive = false"


class SignInError(Exception):
    """A sign-in is refused, with the words of the OAuth error body."""

    def __init__(self, error: str, description: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True)
class SignIn:
    """Checks who wants in, and opens sessions."""

    org: Org
    credentials: Credentials
    sessions: Sessions

    @property
    def username(self) -> str:
        """The name of the integration user, whom client credentials run as."""
        user = self.org.retrieve("User", self.org.integration_user_id, ["Username"])
        return str(user["Username"])

    def user_id(self, named: str) -> str:
        """Return the Id of an active user given by Id or by Username.

        Raises:
            SalesforceFault: NOT_FOUND, there is no such user.
        """
        users = self.org.query(_USERS, include_deleted=False)
        for user in users.records(0, users.total_size):
            if named in (user["Id"], str(user["Id"])[:15]) or str(user["Username"]).lower() == named.lower():
                return str(user["Id"])
        raise resource_not_found()

    def token(self, request: ApiRequest) -> Response:
        """Answer ``/services/oauth2/token``."""
        try:
            form = dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True))
        except ValueError:
            form = {}
        grants: dict[str, Callable[[ApiRequest, Mapping[str, str]], str]] = {
            "client_credentials": self._client_credentials,
            _JWT_GRANT: self._jwt_bearer,
            "password": self._password,
        }
        try:
            user_id = grants.get(form.get("grant_type", ""), _no_such_grant)(request, form)
        except SignInError as refusal:
            body = {"error": refusal.error, "error_description": refusal.description}
            return json_response(body, refusal.status, {"Cache-Control": "no-store"})
        return self._token_response(request, user_id)

    def user_with_password(self, username: str, password: str) -> str:
        """Return the Id of an active user; the password is the org's, with or without the security token appended.

        Raises:
            SignInError: the password is wrong, or there is no such active user.
        """
        expected = self.credentials.password
        if not (_same(password, expected) or _same(password, expected + self.credentials.security_token)):
            raise SignInError("invalid_grant", "authentication failure")
        try:
            return self.user_id(username)
        except SalesforceFault as fault:
            raise SignInError("invalid_grant", "authentication failure") from fault

    def _client_credentials(self, request: ApiRequest, form: Mapping[str, str]) -> str:
        key, secret = _basic(request.headers.get("authorization", "")) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        self._require_client(key, secret)
        try:
            return self.user_id(self.org.integration_user_id)
        except SalesforceFault as fault:
            raise SignInError("invalid_grant", "no client credentials user enabled") from fault

    def _password(self, _request: ApiRequest, form: Mapping[str, str]) -> str:
        self._require_client(form.get("client_id", ""), form.get("client_secret", ""))
        return self.user_with_password(form.get("username", ""), form.get("password", ""))

    def _jwt_bearer(self, request: ApiRequest, form: Mapping[str, str]) -> str:
        try:
            claims = jwt.decode(
                form.get("assertion", ""),
                self.credentials.public_key,
                algorithms=["RS256"],
                options={"require": ["iss", "sub", "aud", "exp"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError as error:
            raise SignInError("invalid_grant", "expired authorization code") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise SignInError("invalid_grant", "invalid assertion") from error
        if claims["iss"] != self.credentials.consumer_key:
            raise SignInError("invalid_client_id", "client identifier invalid")
        if not _is_our_audience(claims["aud"], request.base_url):
            raise SignInError("invalid_grant", "audience is invalid")
        return self._approved_user(str(claims["sub"]))

    def _require_client(self, key: str, secret: str) -> None:
        if not _same(key, self.credentials.consumer_key):
            raise SignInError("invalid_client_id", "client identifier invalid")
        if not _same(secret, self.credentials.consumer_secret):
            raise SignInError("invalid_client", "invalid client credentials")

    def _approved_user(self, username: str) -> str:
        """Return the Id of the user whom a JWT names."""
        try:
            return self.user_id(username)
        except SalesforceFault as fault:
            inactive = self.org.query(_INACTIVE_USERS)
            names = {str(user["Username"]).lower() for user in inactive.records(0, inactive.total_size)}
            if username.lower() in names:
                raise SignInError("inactive_user", "user is inactive") from fault
            raise SignInError("invalid_grant", "user hasn't approved this consumer") from fault

    def _token_response(self, request: ApiRequest, user_id: str) -> Response:
        issued_at = str(int(self.org.clock.now().timestamp() * 1000))
        identity = identity_url(self.org, request.base_url, user_id)
        signature = hmac.digest(
            self.credentials.consumer_secret.encode(), (identity + issued_at).encode(), "sha256"
        )
        return json_response(
            {
                "access_token": self.sessions.begin(user_id),
                "signature": base64.b64encode(signature).decode(),
                "scope": "api",
                "instance_url": request.base_url,
                "id": identity,
                "token_type": "Bearer",
                "issued_at": issued_at,
            },
            headers={"Cache-Control": "no-store"},
        )


def _no_such_grant(_request: ApiRequest, _form: Mapping[str, str]) -> str:
    raise SignInError("unsupported_grant_type", "grant type not supported")


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # not base64, not ASCII or not UTF-8
        return "", ""
    return key, secret


def _is_our_audience(audience: object, base_url: str) -> bool:
    if not isinstance(audience, str):
        return False
    try:
        host = urlsplit(audience).hostname or ""
    except ValueError:
        return False
    return host.endswith(".salesforce.com") or audience.rstrip("/") == base_url
