"""HTTP as every call to Salesforce travels: with time limits, counted, and to plain http on loopback only."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from include.errors import ConfigurationError
from include.salesforce.credentials import is_loopback
from include.salesforce.usage import ApiUsage

CONNECT_TIMEOUT_SECONDS: Final = 10.0
READ_TIMEOUT_SECONDS: Final = 120.0  # Salesforce lets a query run for two minutes


class _WithoutQueries(logging.Filter):
    """Cut the queries out of the URLs that urllib3 logs: they look people up by their values (rule Q11)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, without what follows a question mark."""
        if isinstance(record.args, tuple):
            record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        return True


_WITHOUT_QUERIES: Final = _WithoutQueries()


class SalesforceAdapter(HTTPAdapter):
    """Send requests with time limits, count them, and read the org's daily allowance from the answers.

    simple-salesforce passes no time limit on any call, and keeps the daily allowance only of some.
    """

    def __init__(self, usage: ApiUsage) -> None:
        self._usage = usage
        super().__init__(max_retries=0)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002
        timeout: Any = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request."""
        self._usage.count(urlsplit(request.url or "").path)
        response = super().send(
            request,
            stream=stream,
            timeout=timeout or (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
            verify=verify,
            cert=cert,
            proxies=proxies,
        )
        self._usage.note_limits(response.headers.get("Sforce-Limit-Info"))
        return response


class RedirectedAdapter(SalesforceAdapter):
    """Send what is addressed to another host to ``base_url`` instead.

    simple-salesforce writes https into every URL and ``salesforce.com`` into every sign-in; a transport adapter is the
    one place where both can be changed for all of its calls.
    """

    def __init__(self, usage: ApiUsage, base_url: str) -> None:
        self._target = urlsplit(base_url)
        super().__init__(usage)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send one request to the target's scheme and host."""
        parts = urlsplit(request.url or "")
        request.url = urlunsplit((self._target.scheme, self._target.netloc, parts.path, parts.query, ""))
        return super().send(request, *args, **kwargs)


class RefusingAdapter(HTTPAdapter):
    """Refuse plain http: a token must never travel in clear."""

    def send(self, *_args: Any, **_kwargs: Any) -> requests.Response:
        """Refuse one request."""
        msg = "A Salesforce call was about to leave this machine over plain http; use an https instance_url."
        raise ConfigurationError(msg)


def open_session(
    usage: ApiUsage, *, base_url: str | None, sign_in_host: str, ca_file: str | None
) -> requests.Session:
    """Return a session whose every request is limited in time and counted.

    Args:
        usage: where the calls are counted.
        base_url: scheme and host that take every call, sign-in included; nothing means Salesforce's own hosts.
        sign_in_host: the host that simple-salesforce will address to sign in.
        ca_file: certificates to trust instead of the system's.
    """
    logging.getLogger("urllib3.connectionpool").addFilter(_WITHOUT_QUERIES)
    session = requests.Session()
    # With trust_env a .netrc entry would replace our Authorization header.
    session.trust_env = False
    session.verify = ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or True
    session.mount("http://", RefusingAdapter())
    session.mount("https://", SalesforceAdapter(usage))
    if base_url is None:
        session.proxies.update(get_environ_proxies(f"https://{sign_in_host}/"))
        return session
    if not is_loopback(urlsplit(base_url).hostname or ""):
        session.proxies.update(get_environ_proxies(base_url))
    redirected = RedirectedAdapter(usage, base_url)
    session.mount(f"https://{sign_in_host}/", redirected)
    session.mount(f"https://{urlsplit(base_url).netloc}/", redirected)
    return session
