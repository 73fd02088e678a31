from __future__ import annotations

import base64
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.emulator.clients import signed_in
from tests.local_org import LocalOrg

pytestmark = [pytest.mark.rule("P2"), pytest.mark.rule("P3")]
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def _token(org: LocalOrg, **form: str) -> dict[str, str]:
    answer: dict[str, str] = org.raw("POST", "/services/oauth2/token", data=form).json()
    return answer


def _assertion(org: LocalOrg, key: object | None = None, **changes: object) -> str:
    claims = {
        "iss": org.announcement["consumer_key"],
        "sub": org.announcement["username"],
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    own_key = Path(org.announcement["private_key_file"]).read_text()
    return jwt.encode({**claims, **changes}, key or own_key, algorithm="RS256")


def test_client_credentials_are_taken_from_basic_authentication_and_from_the_form(org: LocalOrg) -> None:
    key, secret = org.announcement["consumer_key"], org.announcement["consumer_secret"]
    basic = base64.b64encode(f"{key}:{secret}".encode()).decode()
    by_header = org.raw(
        "POST",
        "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    ).json()
    by_form = _token(org, grant_type="client_credentials", client_id=key, client_secret=secret)
    assert by_header["instance_url"] == by_form["instance_url"] == org.url
    assert by_header["access_token"] != by_form["access_token"]


def test_a_wrong_secret_is_an_invalid_client(org: LocalOrg) -> None:
    key = org.announcement["consumer_key"]
    refusal = _token(org, grant_type="client_credentials", client_id=key, client_secret="wrong")
    assert refusal["error"] == "invalid_client"


def test_an_unknown_grant_type_is_named_as_such(org: LocalOrg) -> None:
    assert _token(org, grant_type="magic")["error"] == "unsupported_grant_type"


def test_a_jwt_signed_with_another_key_is_refused(org: LocalOrg) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    refusal = _token(org, grant_type=_JWT_GRANT, assertion=_assertion(org, key=stranger))
    assert (refusal["error"], refusal["error_description"]) == ("invalid_grant", "invalid assertion")


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"exp": 1_000_000_000}, "invalid_grant", "expired authorization code"),
        ({"iss": "someone"}, "invalid_client_id", "client identifier invalid"),
        ({"aud": "https://example.org"}, "invalid_grant", "audience is invalid"),
        ({"sub": "nobody@example.org"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"sub": ""}, "invalid_grant", "user hasn't approved this consumer"),
        ({"exp": "tomorrow"}, "invalid_grant", "invalid assertion"),
    ],
)
def test_a_jwt_with_a_wrong_claim_is_refused(
    org: LocalOrg, changes: dict[str, object], error: str, words: str
) -> None:
    refusal = _token(org, grant_type=_JWT_GRANT, assertion=_assertion(org, **changes))
    assert (refusal["error"], refusal["error_description"]) == (error, words)


def test_an_inactive_user_signs_in_by_no_flow(org: LocalOrg) -> None:
    username = "left@example.org"
    org.seed("User", {"Username": username, "LastName": "Left", "Email": username, "IsActive": False})
    by_jwt = _token(org, grant_type=_JWT_GRANT, assertion=_assertion(org, sub=username))
    assert (by_jwt["error"], by_jwt["error_description"]) == ("inactive_user", "user is inactive")
    client = {
        "client_id": org.announcement["consumer_key"],
        "client_secret": org.announcement["consumer_secret"],
    }
    password = org.announcement["password"]
    by_password = _token(org, grant_type="password", username=username, password=password, **client)
    assert by_password["error_description"] == "authentication failure"


def test_an_ended_session_answers_401_with_a_json_array(org: LocalOrg) -> None:
    org.control("DELETE", "sessions")
    answer = org.call("GET", "/limits")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_a_session_ends_two_hours_of_the_orgs_clock_after_its_last_use(org: LocalOrg) -> None:
    org.control("POST", "clock", {"advance_seconds": 7100})
    assert org.call("GET", "/limits").status_code == 200
    org.control("POST", "clock", {"advance_seconds": 7100})
    assert org.call("GET", "/limits").status_code == 200
    org.control("POST", "clock", {"advance_seconds": 7300})
    assert org.call("GET", "/limits").status_code == 401


def test_userinfo_says_who_is_signed_in_and_where_the_apis_are(org: LocalOrg) -> None:
    headers = {"Authorization": f"Bearer {signed_in(org).session_id}"}
    answer = org.raw("GET", "/services/oauth2/userinfo", headers=headers).json()
    assert answer["user_id"] == org.announcement["user_id"]
    assert answer["sub"] == f"{org.url}/id/{answer['organization_id']}/{answer['user_id']}"
    assert answer["preferred_username"] == org.announcement["username"]
    assert (answer["active"], answer["zoneinfo"], answer["utcOffset"]) == (True, "GMT", 0)
    assert answer["urls"]["rest"] == f"{org.url}/services/data/v{{version}}/"
    assert answer["urls"]["partner"].startswith(f"{org.url}/services/Soap/u/{{version}}/00D")


def test_the_identity_address_of_a_token_answers_the_session_that_came_with_it(org: LocalOrg) -> None:
    client = {
        "client_id": org.announcement["consumer_key"],
        "client_secret": org.announcement["consumer_secret"],
    }
    token = _token(org, grant_type="client_credentials", **client)
    path = token["id"].removeprefix(org.url)
    answer = org.raw("GET", path, headers={"Authorization": f"Bearer {token['access_token']}"})
    assert answer.json()["sub"] == token["id"]
    refused = org.raw("GET", path)
    assert (refused.status_code, refused.text) == (403, "Bad_OAuth_Token")


@pytest.mark.parametrize(
    "body",
    ["", "<", "<a/>", "<!DOCTYPE x [<!ENTITY e 'x'>]><a>&e;</a>", "<login><username/></login>", "\udc00<a>"],
)
def test_a_malformed_envelope_is_never_a_server_error(org: LocalOrg, body: str) -> None:
    answer = org.raw("POST", "/services/Soap/u/59.0", data=body.encode("utf-8", "surrogatepass"))
    assert answer.status_code in (400, 501)


@pytest.mark.parametrize("authorization", ["Basic", "Basic x", "Basic \xff", "Basic /w==", "Bearer x"])
def test_a_malformed_authorization_is_a_refusal_like_any_other(org: LocalOrg, authorization: str) -> None:
    answer = org.raw(
        "POST",
        "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": authorization.encode("latin-1")},
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_id")
