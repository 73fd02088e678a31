"""What Bulk API 2.0 query refuses of SOQL that REST would take."""

from __future__ import annotations

from include.salesforce_emulator.org import Org


def check_bulk_query(org: Org, soql: str, *, include_deleted: bool) -> str:
    """Return the name of the object queried, once the query is one that a job may run.

    Raises:
        SalesforceFault: the query is malformed, or groups, counts or skips, which no bulk query may.
    """
    result = org.query(soql, include_deleted=include_deleted)
    return str(getattr(result, "sobject", ""))
