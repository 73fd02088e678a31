"""What it takes to sign in to one Salesforce org, and which OAuth or SOAP grant that makes."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from include.errors import ConfigurationError

_VERSION: Final = re.compile(r"\Av?(\d{2,3})(?:\.0)?\Z")
_LAST_VERSION_WITH_SOAP_LOGIN: Final = 64


class Grant(StrEnum):
    """The ways to sign in that the product knows (rule P2)."""

    JWT_BEARER = "jwt_bearer"
    CLIENT_CREDENTIALS = "client_credentials"
    PASSWORD = "password"  # noqa: S105 - the name of a grant


@dataclass(frozen=True, slots=True)
class SalesforceCredentials:
    """The sign-in of one Airflow connection; its text form shows no secret.

    ``instance_url`` is the org's base URL for every call, sign-in included; without it Salesforce's own hosts are
    used, ``domain`` being ``login``, ``test`` or a My Domain such as ``acme.my``. ``connection_id`` only serves
    error messages.
    """

    instance_url: str | None = None
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    security_token: str | None = field(default=None, repr=False)
    consumer_key: str | None = field(default=None, repr=False)
    consumer_secret: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    private_key_file: str | None = None
    domain: str | None = None
    version: str = "64.0"
    ca_file: str | None = None
    connection_id: str = "salesforce_default"

    @property
    def grant(self) -> Grant:
        """Return the strongest grant that the credentials allow.

        Raises:
            ConfigurationError: no grant has everything it needs.
        """
        if self.consumer_key and self.username and (self.private_key or self.private_key_file):
            return Grant.JWT_BEARER
        if self.consumer_key and self.consumer_secret:
            return Grant.CLIENT_CREDENTIALS
        if self.username and self.password:
            return Grant.PASSWORD
        msg = (
            f"The connection {self.connection_id} cannot sign in to Salesforce: give it a consumer key with a private "
            "key and a user name, a consumer key with its secret, or a user name, password and security token."
        )
        raise ConfigurationError(msg)

    @property
    def api_version(self) -> str:
        """Return the API version as it stands in URLs, ``64.0``.

        Raises:
            ConfigurationError: it is no version, or one whose sign-in by password is gone: SOAP ``login()`` ends with
                64.0 ("SOAP API End-of-Life Policy").
        """
        found = _VERSION.match(self.version.strip())
        if found is None:
            msg = f"The version of the connection {self.connection_id} is no Salesforce API version: write it as 64.0."
            raise ConfigurationError(msg)
        if self.grant is Grant.PASSWORD and int(found[1]) > _LAST_VERSION_WITH_SOAP_LOGIN:
            msg = (
                f"The connection {self.connection_id} signs in by password, which Salesforce offers up to "
                f"API version {_LAST_VERSION_WITH_SOAP_LOGIN}.0 only: use a consumer key, or lower the version."
            )
            raise ConfigurationError(msg)
        return f"{found[1]}.0"

    @property
    def base_url(self) -> str | None:
        """Return scheme and host of ``instance_url``, or nothing where Salesforce names the host at sign-in.

        Raises:
            ConfigurationError: it is no URL, or plain http to another machine.
        """
        if not self.instance_url:
            return None
        parts = urlsplit(self.instance_url.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            msg = (
                f"The instance_url of the connection {self.connection_id} is not a URL: "
                "write it as https://your-domain.my.salesforce.com."
            )
            raise ConfigurationError(msg)
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            msg = (
                f"The instance_url of the connection {self.connection_id} is plain http, which is allowed for a "
                "loopback address only, because credentials would travel in clear: use https."
            )
            raise ConfigurationError(msg)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def is_loopback(host: str) -> bool:
    """Tell whether a host name can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
