"""Salesforce's status codes, grouped by what happens next; only codes are matched, texts are localised.

The codes are those of the Bulk API 2.0 guide ("Errors"), the SOAP guide's list of status codes, and what Salesforce
was seen to answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd


DUPLICATE_VALUE: Final = "DUPLICATE_VALUE"
"""The refusal of a key, or of a membership, that a record holds already."""

DUPLICATES_DETECTED: Final = "DUPLICATES_DETECTED"
"""The refusal by one of Salesforce's own duplicate rules."""


class RetryClass(StrEnum):
    """What happens next to a row or request that was refused."""

    TRANSIENT = "transient"  # the same row may pass in a moment
    PERSON = "person"  # the record it points at was converted, merged or deleted: match again (rule M7)
    DUPLICATE = "duplicate"  # the unique key or a duplicate rule says that it exists already
    EXHAUSTED = "exhausted"  # a limit of the whole org: stop, rows stay pending (rule Q6)
    PERMANENT = "permanent"  # somebody has to change something


_CLASSES: Final = {
    RetryClass.TRANSIENT: (
        "UNABLE_TO_LOCK_ROW",
        "TooManyLockFailure",
        "REQUEST_RUNNING_TOO_LONG",
        "SERVER_UNAVAILABLE",
        "QUERY_TIMEOUT",
        "Timeout",
    ),
    RetryClass.PERSON: ("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "CANNOT_UPDATE_CONVERTED_LEAD"),
    RetryClass.DUPLICATE: (DUPLICATE_VALUE, "DUPLICATE_EXTERNAL_ID", DUPLICATES_DETECTED),
    RetryClass.EXHAUSTED: (
        "REQUEST_LIMIT_EXCEEDED",
        "STORAGE_LIMIT_EXCEEDED",
        "ExceededQuota",
        "EXCEEDED_QUOTA",
    ),
}
_CLASS_OF_CODE: Final = {code.upper(): group for group, codes in _CLASSES.items() for code in codes}

VALUE_REFUSED: Final = frozenset(
    {
        "INVALID_EMAIL_ADDRESS",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "STRING_TOO_LONG",
    }
)
"""Refusals of the value of the fields they name: the row passes without it (rule F4)."""

JOB_REFUSED: Final = frozenset({"ClientInputError", "InvalidBatch", "InvalidJob", "InvalidUser"})
"""Ends of a whole Bulk job that come again however often it is sent ("Errors", Bulk API 2.0 guide)."""

_BULK_ERROR: Final = re.compile(
    r"\A(?P<code>[A-Za-z][A-Za-z0-9_]*)\s*:(?P<message>.*?)(?::(?P<fields>[^:]*?) ?--)?\s*\Z", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class BulkError:
    """One ``sf__Error`` text taken apart; ``fields`` are joined by commas, as Salesforce writes them."""

    code: str
    message: str
    fields: str


def classify(code: str) -> RetryClass:
    """Return what happens next to what was refused with ``code``; an unknown code is permanent."""
    return _CLASS_OF_CODE.get(code.upper(), RetryClass.PERMANENT)


def parse_bulk_error(text: str) -> BulkError:
    """Take ``CODE:message:Field1,Field2 --`` apart; a text of another shape becomes the message of no code."""
    found = _BULK_ERROR.match(text)
    if found is None:
        return BulkError(code="", message=text, fields="")
    return BulkError(code=found["code"], message=found["message"].strip(), fields=found["fields"] or "")


def parse_bulk_errors(texts: pd.Series) -> pd.DataFrame:
    """Take a column of ``sf__Error`` texts apart into text columns ``code``, ``message`` and ``fields``."""
    import pandas as pd

    # Thousands of rows share a few texts: each is taken apart once.
    distinct = {text: parse_bulk_error(text) for text in texts.dropna().unique()}
    columns = {
        name: texts.map({text: getattr(error, name) for text, error in distinct.items()}).astype("str")
        for name in ("code", "message", "fields")
    }
    return pd.DataFrame(columns, index=texts.index)
