"""One record by a call of its own, for what only such a call's refusal tells.

"sObject Basic Information", REST API guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
from simple_salesforce.api import Salesforce

from include.errors import OrgExhaustedError
from include.salesforce.collections import CollectionsWrite, json_records, result_frame
from include.salesforce.error_codes import RetryClass, classify
from include.salesforce.refusals import raise_refusal
from include.salesforce.session import SalesforceSession

_BAD_REQUEST: Final = 400


def insert_one(
    session: SalesforceSession, write: CollectionsWrite, row: pd.DataFrame, *, key_column: str
) -> pd.DataFrame:
    """Insert the one record of a wire frame and return its result (contract ``RESULTS``); a refusal is a result too.

    Raises:
        SalesforceUnavailableError: no answer.
        OrgExhaustedError: a limit of the org is used up.
    """
    (record,) = json_records(write, row, key_column=key_column)
    name = record.pop("attributes")["type"]

    def send(client: Salesforce) -> Mapping[str, Any]:
        response = client.session.request(
            "POST",
            f"{client.base_url}sobjects/{name}",
            headers={**client.headers, **write.headers},
            json=record,
        )
        if response.status_code == _BAD_REQUEST:
            return _refusal(response.json())
        raise_refusal(response)
        answer: Mapping[str, Any] = response.json()
        return answer

    answer = session.run(send, what=f"insert one {name}", is_repeatable=write.is_repeatable)
    result = result_frame(write, row[key_column].tolist(), [answer])
    code = result["error_code"].iloc[0]
    if isinstance(code, str) and classify(code) is RetryClass.EXHAUSTED:
        msg = f"A limit of the Salesforce org is used up ({code}); the rows stay pending."
        raise OrgExhaustedError(msg)
    return result


def _refusal(errors: Any) -> Mapping[str, Any]:
    """Return a refusal in the form of a Collections item, which names the code differently."""
    listed = errors if isinstance(errors, list) else [errors]
    return {"success": False, "errors": [{**error, "statusCode": error.get("errorCode")} for error in listed]}
