"""What Salesforce answers instead of a result, as our own errors.

simple-salesforce has two families of exceptions, and both quote URLs and bodies, which hold people's data. So they
are translated here, and never chained into a log.
"""

from __future__ import annotations

import re
from typing import Any, Final

import requests
from simple_salesforce.exceptions import SalesforceError
from simple_salesforce.util import exception_handler
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError

from include.errors import (
    AppointmentSyncError,
    ConfigurationError,
    OrgExhaustedError,
    RequestRefusedError,
    SalesforceUnavailableError,
)
from include.salesforce.error_codes import RetryClass, classify

_NO_SUCH_COLUMN: Final = re.compile(r"No such column '([\w.]+)' on (?:entity|sobject) '?(\w+)", re.IGNORECASE)
_NOT_SUPPORTED: Final = 501
_ACCESS_CODES: Final = frozenset(
    {
        "API_DISABLED_FOR_ORG",
        "API_CURRENTLY_DISABLED",
        "INSUFFICIENT_ACCESS",
        "INVALID_TYPE",
        "UNSUPPORTED_API_VERSION",
        "FUNCTIONALITY_NOT_ENABLED",
    }
)


class RequestNotSentError(SalesforceUnavailableError):
    """No connection came about, so Salesforce cannot have acted: safe to send again, whatever it was."""


def translate_answer(error: SalesforceError, what: str) -> AppointmentSyncError:
    """Return our error for an answer of HTTP status 300 or above; ``what`` says what was tried."""
    code, message = _first_error(error.content)
    group = classify(code)
    if group is RetryClass.EXHAUSTED:
        return OrgExhaustedError(
            f"A limit of the Salesforce org is used up ({code}): it cannot {what}; try later."
        )
    is_server_trouble = error.status >= 500 and error.status != _NOT_SUPPORTED
    if is_server_trouble or error.status in {408, 429} or group is RetryClass.TRANSIENT:
        return SalesforceUnavailableError(
            f"Salesforce could not {what} just now ({code or f'HTTP status {error.status}'}); try again."
        )
    column = _NO_SUCH_COLUMN.search(message)
    if column:
        return missing_field(column[2], [column[1]])
    if code in _ACCESS_CODES:
        return no_access(what, code)
    return RequestRefusedError(
        f"Salesforce refused to {what} ({code or f'HTTP status {error.status}'}).", code=code
    )


def raise_refusal(response: requests.Response) -> None:
    """Raise simple-salesforce's exception for an answer of HTTP status 300 or above, as its own calls do."""
    if response.status_code >= 300:
        exception_handler(response)


def no_access(what: str, code: str) -> ConfigurationError:
    """Return the error for an object or call that our user has no right to, or the org does not know."""
    return ConfigurationError(
        f"Salesforce does not let our user {what} ({code}): check the object, the API version and the permissions."
    )


def missing_field(sobject: str, fields: list[str]) -> ConfigurationError:
    """Return the error for fields that the org lacks or hides; the API tells no difference."""
    return ConfigurationError(
        f"Salesforce shows our user no field {', '.join(fields)} on {sobject}: "
        "deploy include/salesforce_package to the org and assign its permission set."
    )


def translate_transport(error: requests.RequestException, what: str) -> AppointmentSyncError:
    """Return our error for a request that got no answer, or one that could not be read."""
    if isinstance(error, requests.exceptions.SSLError):
        return ConfigurationError("The certificate of the Salesforce org is not trusted: set ca_file.")
    if _is_not_sent(error):
        return RequestNotSentError(
            f"Salesforce cannot be reached to {what}; check the network and try again."
        )
    return SalesforceUnavailableError(f"Salesforce gave no readable answer when asked to {what}; try again.")


def _is_not_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ConnectTimeoutError | NameResolutionError)


def _first_error(content: Any) -> tuple[str, str]:
    """Return code and message of Salesforce's JSON array of errors, or empty texts for any other body."""
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, dict):
        return "", ""
    return str(first.get("errorCode", "") or first.get("error", "")), str(first.get("message", ""))
