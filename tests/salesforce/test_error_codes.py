from __future__ import annotations

import pandas as pd
import pytest

from include.salesforce.error_codes import (
    BulkError,
    RetryClass,
    classify,
    parse_bulk_error,
    parse_bulk_errors,
)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
            BulkError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName"),
        ),
        (
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 200 records: 001A,001B:--",
            BulkError(
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record or 200 records: 001A,001B",
                "",
            ),
        ),
        (
            "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
            BulkError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ""),
        ),
        (
            "DUPLICATE_VALUE:duplicate value found: Ext__c duplicates value on record with id: 001000",
            BulkError(
                "DUPLICATE_VALUE",
                "duplicate value found: Ext__c duplicates value on record with id: 001000",
                "",
            ),
        ),
        (
            "STRING_TOO_LONG:Subject: data value too large: a:b\nc --: d (max length=255):Subject,Location --",
            BulkError(
                "STRING_TOO_LONG",
                "Subject: data value too large: a:b\nc --: d (max length=255)",
                "Subject,Location",
            ),
        ),
        (
            "InvalidBatch : Field name not found : Foo__c",
            BulkError("InvalidBatch", "Field name not found : Foo__c", ""),
        ),
        ("something else", BulkError("", "something else", "")),
    ],
)
def test_an_error_of_a_bulk_row_is_taken_apart(text: str, parsed: BulkError) -> None:
    assert parse_bulk_error(text) == parsed


def test_a_column_of_errors_is_taken_apart_with_missing_ones_kept() -> None:
    texts = pd.Series(["ENTITY_IS_DELETED:entity is deleted:--", None], dtype="str", index=[7, 9])
    errors = parse_bulk_errors(texts)
    assert errors.index.tolist() == [7, 9]
    assert errors.loc[7].tolist() == ["ENTITY_IS_DELETED", "entity is deleted", ""]
    assert errors.loc[9].isna().all()


@pytest.mark.rule("Q6")
@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("UNABLE_TO_LOCK_ROW", RetryClass.TRANSIENT),
        ("TooManyLockFailure", RetryClass.TRANSIENT),
        ("SERVER_UNAVAILABLE", RetryClass.TRANSIENT),
        ("ENTITY_IS_DELETED", RetryClass.PERSON),
        ("CANNOT_UPDATE_CONVERTED_LEAD", RetryClass.PERSON),
        ("DUPLICATE_VALUE", RetryClass.DUPLICATE),
        ("REQUEST_LIMIT_EXCEEDED", RetryClass.EXHAUSTED),
        ("STORAGE_LIMIT_EXCEEDED", RetryClass.EXHAUSTED),
        ("ExceededQuota", RetryClass.EXHAUSTED),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", RetryClass.PERMANENT),
        ("A_CODE_OF_NEXT_YEAR", RetryClass.PERMANENT),
        ("", RetryClass.PERMANENT),
    ],
)
def test_a_code_says_what_happens_next(code: str, group: RetryClass) -> None:
    assert classify(code) is group
