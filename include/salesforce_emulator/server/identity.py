"""Who is signed in, as the org tells its clients: OpenID Connect's userinfo and the partner API's GetUserInfoResult.

Facts: REST API Developer Guide, *Identity URLs* and *User Info*; the partner WSDL. Photos and Chatter's addresses
are left out: there is nothing behind them here.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from include.salesforce_emulator.engine.org import Org
from include.salesforce_emulator.server.sessions import LIFETIME
from include.salesforce_emulator.server.soap.wire import Node

_FIELDS = (
    "Username",
    "Email",
    "FirstName",
    "LastName",
    "CommunityNickname",
    "IsActive",
    "UserType",
    "ProfileId",
    "UserRoleId",
    "LanguageLocaleKey",
    "LocaleSidKey",
    "TimeZoneSidKey",
    "LastModifiedDate",
)
_URLS = {
    "enterprise": "/services/Soap/c/{version}/",
    "metadata": "/services/Soap/m/{version}/",
    "partner": "/services/Soap/u/{version}/",
    "rest": "/services/data/v{version}/",
    "sobjects": "/services/data/v{version}/sobjects/",
    "search": "/services/data/v{version}/search/",
    "query": "/services/data/v{version}/query/",
    "recent": "/services/data/v{version}/recent/",
    "tooling_soap": "/services/Soap/T/{version}/",
    "tooling_rest": "/services/data/v{version}/tooling/",
}
_ATTACHMENT_BYTES = 5 * 1024 * 1024


def identity_url(org: Org, base_url: str, user_id: str) -> str:
    """Return the address that names a user of this org."""
    return f"{base_url}/id/{org.organization_id}/{user_id}"


def userinfo(org: Org, base_url: str, user_id: str) -> dict[str, object]:
    """Return the claims of ``/services/oauth2/userinfo``."""
    user = org.retrieve("User", user_id, _FIELDS)
    address = identity_url(org, base_url, user_id)
    return {
        "sub": address,
        "user_id": user_id,
        "organization_id": org.organization_id,
        "preferred_username": user["Username"],
        "nickname": user["CommunityNickname"],
        "name": _full_name(user),
        "email": user["Email"],
        "email_verified": True,
        "given_name": user["FirstName"],
        "family_name": user["LastName"],
        "zoneinfo": user["TimeZoneSidKey"],
        "profile": f"{base_url}/{user_id}",
        "address": {},
        "urls": _urls(org, base_url, user_id),
        "active": user["IsActive"],
        "user_type": _wire_user_type(user),
        "language": user["LanguageLocaleKey"],
        "locale": user["LocaleSidKey"],
        "utcOffset": _offset_milliseconds(org, user["TimeZoneSidKey"]),
        "updated_at": user["LastModifiedDate"],
        "is_salesforce_integration_user": False,
    }


def user_info(org: Org, user_id: str) -> list[Node]:
    """Return the children of a GetUserInfoResult, in the WSDL's order."""
    user = org.retrieve("User", user_id, _FIELDS)
    organization = org.retrieve("Organization", org.organization_id, ["Name"])
    return [
        ("accessibilityMode", False),
        ("chatterExternal", False),
        ("currencySymbol", "$"),
        ("orgAttachmentFileSizeLimit", _ATTACHMENT_BYTES),
        ("orgDefaultCurrencyIsoCode", "USD"),
        ("orgDefaultCurrencyLocale", "en_US"),
        ("orgDisallowHtmlAttachments", False),
        ("orgHasPersonAccounts", org.setup.person_accounts),
        ("organizationId", org.organization_id),
        ("organizationMultiCurrency", False),
        ("organizationName", organization["Name"]),
        ("profileId", user["ProfileId"]),
        ("roleId", user["UserRoleId"]),
        ("sessionSecondsValid", int(LIFETIME.total_seconds())),
        ("userDefaultCurrencyIsoCode", None),
        ("userEmail", user["Email"]),
        ("userFullName", _full_name(user)),
        ("userId", user_id),
        ("userLanguage", user["LanguageLocaleKey"]),
        ("userLocale", user["LocaleSidKey"]),
        ("userName", user["Username"]),
        ("userTimeZone", user["TimeZoneSidKey"]),
        ("userType", user["UserType"]),
        ("userUiSkin", "Theme3"),
    ]


def _full_name(user: dict[str, Any]) -> str:
    return " ".join(filter(None, (user["FirstName"], user["LastName"])))


def _urls(org: Org, base_url: str, user_id: str) -> dict[str, str]:
    short = org.organization_id[:15]
    urls = {
        name: base_url + path + (short if path.startswith("/services/Soap") else "")
        for name, path in _URLS.items()
    }
    return urls | {"profile": f"{base_url}/{user_id}", "custom_domain": base_url}


def _wire_user_type(user: dict[str, Any]) -> str:
    return str(user["UserType"] or "").upper()


def _offset_milliseconds(org: Org, zone: str) -> int:
    """Return the zone's offset outside summer time, which is what the identity service tells."""
    now = org.clock.now().astimezone(ZoneInfo(zone))
    offset = (now.utcoffset() or now - now) - (now.dst() or now - now)
    return int(offset.total_seconds() * 1000)
