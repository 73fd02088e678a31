"""What the org says when it refuses: a fault for a whole request, an error for one row.

A fault becomes the JSON array `[{"message", "errorCode", "fields"?}]` of the REST API; a row error becomes an item of
a Collections answer or the `sf__Error` text of a Bulk result. Codes are Salesforce's own (salesforce-facts.md §2.6).
"""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class DuplicateMatches:
    """The records of one object that a matching rule found."""

    rule: str
    sobject: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DuplicatesFound:
    """What a duplicate rule says of a row it refuses.

    Attributes:
        sobject: the object the rule belongs to.
        allow_save: whether the row may be sent again with the header that saves it.
    """

    rule: str
    sobject: str
    allow_save: bool
    matches: tuple[DuplicateMatches, ...]


_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})
_DATABASE_ERRORS = ("FULL", "IOERR", "READONLY", "CORRUPT", "NOTADB", "CANTOPEN", "BUSY")


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row was refused; `duplicates` says more where a duplicate rule did it."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    duplicates: DuplicatesFound | None = None


class SalesforceFault(Exception):  # noqa: N818 - Salesforce calls it a fault, and so do its APIs
    """A whole request is refused.

    Attributes:
        http_status: the status REST answers with.
        code: Salesforce's error code, such as `MALFORMED_QUERY`.
        message: one sentence for the person who reads the log.
        fields: API names of the fields at fault, often none.
    """

    def __init__(self, http_status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(f"{code}: {message}")
        self.http_status = http_status
        self.code = code
        self.message = message
        self.fields = fields


def resource_not_found() -> SalesforceFault:
    """Answer for an object, record or job that does not exist."""
    return SalesforceFault(HTTPStatus.NOT_FOUND, "NOT_FOUND", "The requested resource does not exist")


def disk_trouble(error: BaseException) -> SalesforceFault | None:
    """Answer for what the disk or the data file refuses; None if the error is of another kind."""
    if isinstance(error, OSError):
        is_trouble = error.errno in _DISK_ERRORS
    elif isinstance(error, sqlite3.DatabaseError):
        name = getattr(error, "sqlite_errorname", "")
        is_trouble = name.removeprefix("SQLITE_").startswith(_DATABASE_ERRORS)
    else:
        is_trouble = False
    if not is_trouble:
        return None
    message = f"The local org cannot use its disk: {error}. Nothing of this request was kept."
    return SalesforceFault(HTTPStatus.SERVICE_UNAVAILABLE, "SERVER_UNAVAILABLE", message)


def not_implemented(what: str) -> SalesforceFault:
    """Answer, loudly, for what Salesforce can do and the local org cannot."""
    message = f"{what} is not implemented by the local org."
    return SalesforceFault(HTTPStatus.NOT_IMPLEMENTED, "NOT_IMPLEMENTED", message)
