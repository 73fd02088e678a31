"""One signed-in session: every call goes through ``run``, which retries, signs in again and translates errors."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError, SalesforceExpiredSession
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from include.errors import AppointmentSyncError, ConfigurationError, SalesforceUnavailableError
from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.refusals import (
    RequestNotSentError,
    raise_refusal,
    translate_answer,
    translate_transport,
)
from include.salesforce.sign_in import SignedIn, sign_in, sign_in_domain
from include.salesforce.transport import open_session
from include.salesforce.usage import ApiUsage

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently transient trouble is met: waits double from the first to the longest, jittered."""

    attempts: int = 5
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def wait_seconds(self, attempt: int) -> float:
        """Return how long to wait after the ``attempt``-th failure, counted from 1."""
        longest = min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** min(attempt - 1, 16))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def wait(self, state: RetryCallState) -> float:
        """Return the wait in the form that tenacity asks for."""
        return self.wait_seconds(state.attempt_number)


class SalesforceSession:
    """Keep one org's token fresh and make calls with it."""

    def __init__(self, credentials: SalesforceCredentials, *, client_name: str, retry: RetryPolicy) -> None:
        self.retry = retry
        self.usage = ApiUsage()
        self._credentials = credentials
        self._requests = open_session(
            self.usage,
            base_url=credentials.base_url,
            sign_in_host=f"{sign_in_domain(credentials)}.salesforce.com",
            ca_file=credentials.ca_file,
        )
        # On the session, because simple-salesforce drops per-call headers when it repeats a call.
        self._requests.headers["Sforce-Call-Options"] = f"client={client_name}"
        try:
            self._sign_in()
        except AppointmentSyncError:
            self.close()
            raise

    @property
    def base_url(self) -> str:
        """Return scheme and host of the org."""
        return self._credentials.base_url or f"https://{self._host}"

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

    def run(self, call: Callable[[Salesforce], Answer], *, what: str, is_repeatable: bool = True) -> Answer:
        """Make a call and return its answer.

        Args:
            call: gets the signed-in client; may run several times.
            what: the verb phrase for error messages ("read the fields of Lead").
            is_repeatable: the call does no harm when Salesforce acts on it twice. A call that is not is repeated only
                if no connection came about.

        Raises:
            ConfigurationError: Salesforce no longer lets us in, or lacks a field or permission.
            SalesforceUnavailableError: it does not answer, or with server errors, for as long as we try.
            OrgExhaustedError: a limit of the org is used up.
            RequestRefusedError: anything else that Salesforce refuses.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(
                SalesforceUnavailableError if is_repeatable else RequestNotSentError
            ),
            stop=stop_after_attempt(self.retry.attempts),
            wait=self.retry.wait,
            sleep=self.retry.sleep,
            reraise=True,
        )
        answer: Answer = retrying(self._run_once, call, what)
        return answer

    def request(
        self,
        method: str,
        path: str,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool = True,
        **options: Any,
    ) -> requests.Response:
        """Make one HTTP request below the API's version root; ``options`` are those of ``requests``.

        Used where simple-salesforce has no call that streams, or none without its own waiting.
        """

        def send(client: Salesforce) -> requests.Response:
            response: requests.Response = client.session.request(
                method, client.base_url + path, headers={**client.headers, **(headers or {})}, **options
            )
            raise_refusal(response)
            return response

        return self.run(send, what=what, is_repeatable=is_repeatable)

    def url_overhead_bytes(self) -> int:
        """Return how many bytes a query's request line and headers take up before the query itself."""
        headers = {**self._requests.headers, **self._client.headers}
        fixed = sum(len(str(name)) + len(str(value)) + 4 for name, value in headers.items())
        return fixed + len(self._client.base_url) + 256

    def _run_once(self, call: Callable[[Salesforce], Answer], what: str) -> Answer:
        try:
            try:
                return call(self._client)
            except SalesforceExpiredSession:
                self._sign_in()
                return call(self._client)
        except SalesforceExpiredSession:
            msg = (
                f"Salesforce ended the session of the connection {self._credentials.connection_id} as soon as it was "
                "opened: check the session settings and login policies of its user."
            )
            raise ConfigurationError(msg) from None
        except SalesforceError as error:
            raise translate_answer(error, what) from None
        except requests.RequestException as error:
            raise translate_transport(error, what) from None

    def _sign_in(self) -> None:
        signed_in = sign_in(self._credentials, self._requests)
        base_url = self._credentials.base_url
        self._host = urlsplit(base_url).netloc if base_url else signed_in.host
        # A fresh client per token: simple-salesforce does not recompute its URLs after a refresh, and repeats a
        # refresh without end where a server keeps refusing the token. In this direct mode it never refreshes.
        self._client = Salesforce(
            session_id=signed_in.access_token,
            instance=self._host,
            session=self._requests,
            version=self._credentials.api_version,
        )
        del self._client.headers["X-PrettyPrint"]  # blanks in every answer, for readers there are none of
        self.organization_id, self.user_id = self._identify(signed_in)

    def _identify(self, signed_in: SignedIn) -> tuple[str, str]:
        """Return org and user Id; only an answer to sign-in that does not tell costs another call."""
        if signed_in.organization_id and signed_in.user_id:
            return signed_in.organization_id, signed_in.user_id
        told = self._run_once(lambda client: client.oauth2("userinfo"), "say who is signed in")
        return str(told["organization_id"]), str(told["user_id"])
