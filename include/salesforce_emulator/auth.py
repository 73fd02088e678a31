"""Sign-in: OAuth client credentials, JWT bearer and password, and SOAP login for API versions below 65.

Facts: REST API Developer Guide (OAuth flows), SOAP API Developer Guide (`login()` and its end of life),
and the exact requests of simple-salesforce. A refused SOAP login answers 400 where Salesforce answers 500, so that
500 from this server always means a defect of its own.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import jwt
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from starlette.responses import Response

from include.salesforce_emulator.credentials import Credentials
from include.salesforce_emulator.errors import SalesforceFault, resource_not_found
from include.salesforce_emulator.org import Org
from include.salesforce_emulator.sessions import Sessions
from include.salesforce_emulator.wire import ApiRequest, json_response

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FIRST_VERSION_WITHOUT_SOAP_LOGIN = 65.0
_USERS = "SELECT Id, Username FROM User WHERE IsActive = true"


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

    def soap(self, request: ApiRequest) -> Response:
        """Answer SOAP ``login()``; every other SOAP call says that it is not implemented."""
        try:
            login = _soap_login_element(request.body)
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            return _soap_fault("SOAP_PARSE_ERROR", "the envelope is not well-formed XML")
        if login is None:
            return _soap_fault(
                "NOT_IMPLEMENTED", "this SOAP call is not implemented by the local org", status=501
            )
        if float(request.version) >= _FIRST_VERSION_WITHOUT_SOAP_LOGIN:
            return _soap_fault(
                "UNSUPPORTED_API_VERSION", "login() is not available in this API version; use OAuth"
            )
        try:
            user_id = self._user_with_password(_child(login, "username"), _child(login, "password"))
        except SignInError:
            return _soap_fault(
                "INVALID_LOGIN", "Invalid username, password, security token; or user locked out."
            )
        return _soap_session(
            token=self.sessions.begin(user_id),
            user_id=user_id,
            server_url=f"{request.base_url}/services/Soap/u/{request.version}/{self.org.organization_id[:15]}",
        )

    def userinfo(self, request: ApiRequest) -> Response:
        """Answer ``/services/oauth2/userinfo``."""
        user = self.org.retrieve("User", request.user_id, ["Username", "Email", "FirstName", "LastName"])
        name = " ".join(filter(None, (user.get("FirstName"), user.get("LastName"))))
        return json_response(
            {
                "sub": f"{request.base_url}/id/{self.org.organization_id}/{request.user_id}",
                "user_id": request.user_id,
                "organization_id": self.org.organization_id,
                "preferred_username": user.get("Username"),
                "name": name,
                "email": user.get("Email"),
                "urls": {"rest": f"{request.base_url}/services/data/v{{version}}/"},
            }
        )

    def _client_credentials(self, request: ApiRequest, form: Mapping[str, str]) -> str:
        key, secret = _basic(request.headers.get("authorization", "")) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        self._require_client(key, secret)
        return self.org.integration_user_id

    def _password(self, _request: ApiRequest, form: Mapping[str, str]) -> str:
        self._require_client(form.get("client_id", ""), form.get("client_secret", ""))
        return self._user_with_password(form.get("username", ""), form.get("password", ""))

    def _jwt_bearer(self, request: ApiRequest, form: Mapping[str, str]) -> str:
        try:
            claims = jwt.decode(
                form.get("assertion", ""),
                self.credentials.public_key,
                algorithms=["RS256"],
                options={"require": ["iss", "sub", "aud", "exp"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError as error:
            raise SignInError("invalid_grant", "assertion expired") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise SignInError("invalid_grant", "invalid assertion") from error
        if claims["iss"] != self.credentials.consumer_key:
            raise SignInError("invalid_client_id", "client identifier invalid")
        if not _is_our_audience(claims["aud"], request.base_url):
            raise SignInError("invalid_grant", "audience is invalid")
        return self._user_named(str(claims["sub"]))

    def _require_client(self, key: str, secret: str) -> None:
        if not _same(key, self.credentials.consumer_key):
            raise SignInError("invalid_client_id", "client identifier invalid")
        if not _same(secret, self.credentials.consumer_secret):
            raise SignInError("invalid_client", "invalid client credentials")

    def _user_with_password(self, username: str, password: str) -> str:
        expected = self.credentials.password
        if not (_same(password, expected) or _same(password, expected + self.credentials.security_token)):
            raise SignInError("invalid_grant", "authentication failure")
        return self._user_named(username)

    def _user_named(self, username: str) -> str:
        try:
            return self.user_id(username)
        except SalesforceFault as fault:
            raise SignInError("invalid_grant", "user hasn't approved this consumer") from fault

    def _token_response(self, request: ApiRequest, user_id: str) -> Response:
        issued_at = str(int(self.org.clock.now().timestamp() * 1000))
        identity = f"{request.base_url}/id/{self.org.organization_id}/{user_id}"
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


def _soap_login_element(body: bytes) -> Element | None:
    envelope: Element = fromstring(body)
    return next((element for element in envelope.iter() if _local_name(element) == "login"), None)


def _child(parent: Element, name: str) -> str:
    return next((element.text or "" for element in parent if _local_name(element) == name), "")


def _local_name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _soap_fault(code: str, message: str, *, status: int = HTTPStatus.BAD_REQUEST) -> Response:
    return _soap_response(
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring>"
        f'<detail><sf:LoginFault xmlns:sf="urn:fault.partner.soap.sforce.com"><sf:exceptionCode>{code}'
        f"</sf:exceptionCode><sf:exceptionMessage>{escape(message)}</sf:exceptionMessage></sf:LoginFault></detail>"
        "</soapenv:Fault>",
        status,
    )


def _soap_session(*, token: str, user_id: str, server_url: str) -> Response:
    return _soap_response(
        f"<loginResponse><result><passwordExpired>false</passwordExpired><serverUrl>{escape(server_url)}</serverUrl>"
        f"<sessionId>{escape(token)}</sessionId><userId>{escape(user_id)}</userId></result></loginResponse>",
        HTTPStatus.OK,
    )


def _soap_response(body: str, status: int) -> Response:
    envelope = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns="urn:partner.soap.sforce.com"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    )
    return Response(envelope, status_code=status, media_type="text/xml; charset=UTF-8")
