"""Calls that are tried for what Salesforce says to them, and leave nothing behind ("Composite", REST API guide).

With ``allOrNone`` Salesforce undoes every subrequest as soon as one is refused, and answers each of the others with
``PROCESSING_HALTED``. The last subrequest here is one that is always refused. So the org keeps nothing of the others,
whatever they did, whatever our user may not do, and wherever we are killed meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from include.errors import RequestRefusedError
from include.salesforce.session import SalesforceSession

_UNDONE: Final = "PROCESSING_HALTED"
_LAST: Final = "undo"
_NOBODY: Final = "000000000000AAA"
"""What follows the prefix of an Id that no record has."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call; ``path`` is below the API's version root and may name an earlier one's Id as ``@{name.id}``."""

    name: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None


def try_and_undo(
    session: SalesforceSession, attempts: Sequence[Attempt], *, key_prefix: str, sobject: str
) -> dict[str, str]:
    """Try calls in order until one is refused, undo all, and return the error code of the one refused, by its name.

    Args:
        session: the signed-in session.
        attempts: at most 24.
        key_prefix: the first three characters of the object's Ids.
        sobject: the object that is tried.

    Raises:
        RequestRefusedError: Salesforce refuses to try at all, or undid nothing.
    """
    what = f"try what our user may do with {sobject}"
    last = Attempt(_LAST, "DELETE", f"sobjects/{sobject}/{key_prefix}{_NOBODY}")
    calls = [*attempts, last]

    def send(client: Any) -> Any:
        root = f"/services/data/v{client.sf_version}/"
        body = {"allOrNone": True, "compositeRequest": [_subrequest(call, root) for call in calls]}
        return client.restful("composite", method="POST", json=body)

    answer = session.run(send, what=what)
    codes = {str(result["referenceId"]): _error_code(result) for result in answer["compositeResponse"]}
    if "" in codes.values():
        msg = f"Salesforce did not undo all of a trial with {sobject}: look for records of this minute and delete them."
        raise RequestRefusedError(msg)
    return {call.name: codes[call.name] for call in attempts if codes[call.name] != _UNDONE}


def _subrequest(call: Attempt, root: str) -> dict[str, Any]:
    named = {"method": call.method, "url": root + call.path, "referenceId": call.name}
    return named if call.body is None else {**named, "body": dict(call.body)}


def _error_code(result: Mapping[str, Any]) -> str:
    if result["httpStatusCode"] < 300:
        return ""
    body = result.get("body") or [{}]
    return str(body[0].get("errorCode") or f"HTTP status {result['httpStatusCode']}")
