"""The facade through which everything else reaches Salesforce."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Self

import pandas as pd

from include.errors import ConfigurationError, RequestRefusedError
from include.salesforce import bulk_ingest, bulk_jobs, bulk_query, bulk_results, query, soql
from include.salesforce.bulk_ingest import BulkOperation
from include.salesforce.bulk_jobs import BulkJob, PollPolicy
from include.salesforce.collections import CollectionsWrite, Operation, write_rows
from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.describe import ObjectDescription, read_description
from include.salesforce.finding import Wanted, find_records
from include.salesforce.query import Lookup, Scalar
from include.salesforce.session import RetryPolicy, SalesforceSession
from include.salesforce.single_writes import insert_one
from include.salesforce.trial import Attempt, try_and_undo
from include.salesforce.usage import ApiUsage

NO_AUTO_ASSIGN: Final = {"Sforce-Auto-Assign": "FALSE"}
"""REST runs assignment rules unless told not to, Bulk only when told to; so that both give one outcome (rule M11)."""

_UNTOLD_RECORDS: Final = 1_000_000

_FEW_RECORDS: Final = 12_000
"""As many records as REST gives, 2,000 a page, in the calls that the shortest Bulk query takes."""

_ORDINARY_SELECT: Final = ("Coconut_Client_Key__c",) * 20


class SalesforceGateway:
    """One signed-in org.

    Every method may raise ``ConfigurationError`` (a person must change something), ``SalesforceUnavailableError`` (no
    answer, or server errors, after the retries of the ``RetryPolicy``), ``OrgExhaustedError`` (a limit of the org) and
    ``RequestRefusedError`` (with Salesforce's code). An expired session is renewed without notice.
    """

    def __init__(self, session: SalesforceSession, *, poll: PollPolicy) -> None:
        self._session = session
        self._poll = poll
        self._descriptions: dict[str, ObjectDescription] = {}
        self._record_counts: dict[str, int] | None = None

    @classmethod
    def connect(
        cls,
        credentials: SalesforceCredentials,
        *,
        client_name: str = "appointment-sync",
        retry: RetryPolicy | None = None,
        poll: PollPolicy | None = None,
    ) -> SalesforceGateway:
        """Sign in.

        Args:
            credentials: of one Airflow connection.
            client_name: how Salesforce names us in change events (``Sforce-Call-Options``).
            retry: how patiently transient trouble is met.
            poll: how often Bulk jobs are looked at.
        """
        session = SalesforceSession(credentials, client_name=client_name, retry=retry or RetryPolicy())
        return cls(session, poll=poll or PollPolicy())

    def close(self) -> None:
        """Close the connections; the access token lives on until it expires."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def organization_id(self) -> str:
        """Return the org's Id of 18 characters."""
        return self._session.organization_id

    @property
    def user_id(self) -> str:
        """Return the Id of the User who is signed in, 18 characters."""
        return self._session.user_id

    @property
    def base_url(self) -> str:
        """Return scheme and host of the org; ``<base_url>/<record id>`` is a record's page."""
        return self._session.base_url

    @property
    def usage(self) -> ApiUsage:
        """Return the calls made so far."""
        return self._session.usage

    # --- reading

    def describe(self, sobject: str) -> ObjectDescription:
        """Return an object's fields; asked once per gateway."""
        if sobject not in self._descriptions:
            self._descriptions[sobject] = read_description(self._session, sobject)
        return self._descriptions[sobject]

    def query(self, soql_text: str, *, include_deleted: bool = False) -> Iterator[dict[str, Scalar]]:
        """Yield a query's records, related records flattened to dotted names (``Owner.Name``)."""
        return query.read_records(self._session, soql_text, include_deleted=include_deleted)

    def query_frame(self, soql_text: str, *, include_deleted: bool = False) -> pd.DataFrame:
        """Return a query's records as text columns in SELECT order, also where there are none.

        Booleans read ``true`` and ``false``, null is ``NaN``.
        """
        records = self.query(soql_text, include_deleted=include_deleted)
        return query.text_frame(records, soql.selected_columns(soql_text))

    def query_tooling(self, soql_text: str) -> list[dict[str, Scalar]]:
        """Return the first page of a query of the Tooling API, for what an org has been set up with."""
        return query.read_tooling(self._session, soql_text)

    def count(self, soql_text: str) -> int:
        """Return what a ``SELECT COUNT() FROM …`` counts."""
        return query.count_records(self._session, soql_text)

    def query_in(
        self,
        *,
        select: Sequence[str],
        sobject: str,
        field: str,
        values: Collection[str],
        include_deleted: bool = False,
        extra_where: str = "",
    ) -> pd.DataFrame:
        """Return the records whose ``field`` holds one of ``values``, each once, as text columns named by ``select``.

        Values are packed into as few queries as a URL's length allows. Empty values, and texts longer than any
        filterable field, find nothing. ``extra_where`` is a condition built by ``include.salesforce.soql``.
        """
        lookup = Lookup(select=select, sobject=sobject, field=field, extra_where=extra_where)
        return query.read_by_values(self._session, lookup, values, include_deleted=include_deleted)

    def lookup_cost(
        self,
        field: str,
        values: Collection[str],
        *,
        select: Sequence[str] = (),
        sobject: str = "",
        extra_where: str = "",
    ) -> int:
        """Return how many queries ``query_in`` would take, further pages of long answers apart; makes no call.

        Without the rest of the query an ordinary length is assumed for it.
        """
        names = tuple(select) or _ORDINARY_SELECT
        lookup = Lookup(select=names, sobject=sobject or "Contact", field=field, extra_where=extra_where)
        return sum(1 for _ in lookup.chunks(values, overhead_bytes=self._session.url_overhead_bytes()))

    def find_records(
        self,
        *,
        select: Sequence[str],
        sobject: str,
        values: Mapping[str, Collection[str]],
        include_deleted: bool = False,
        extra_where: str = "",
    ) -> Iterator[pd.DataFrame]:
        """Yield the records that hold one of the values, by ``IN`` lists or a Bulk query, whichever takes fewer calls.

        Frames have text columns named by ``select``. Texts are compared in any letter case. A record that holds two of
        the values may come twice.

        Args:
            select: the columns, ``Id`` and the fields of ``values`` among them.
            sobject: the object's API name.
            values: by field, what it may hold; one field that agrees is enough.
            include_deleted: whether the recycle bin is read too.
            extra_where: a condition built by ``include.salesforce.soql`` that the records meet besides.
        """
        asked = {field: wanted for field, wanted in values.items() if wanted}
        return find_records(self, Wanted(select, sobject, asked, extra_where, include_deleted))

    def record_count(self, sobject: str) -> int:
        """Return about how many records an sObject has, deleted ones apart; asked once per gateway, for all at once.

        A guess where Salesforce does not tell: the user needs the permission *View Setup and Configuration* for it
        ("Record Count", REST API guide).
        """
        if self._record_counts is None:
            try:
                self._record_counts = query.count_roughly(self._session)
            except (ConfigurationError, RequestRefusedError):
                self._record_counts = {}
        return self._record_counts.get(sobject, _UNTOLD_RECORDS)

    def query_frames(self, soql_text: str, *, include_deleted: bool = False) -> Iterator[pd.DataFrame]:
        """Yield a query's records as ``bulk_query_frame`` does, over REST where that takes fewer calls.

        The first page of a REST query tells how many records there are, so that a wrong guess costs one call.
        """
        few = query.read_if_few(self._session, soql_text, most=_FEW_RECORDS, include_deleted=include_deleted)
        if few is None:
            yield from self.bulk_query_frame(soql_text, include_deleted=include_deleted)
        else:
            yield query.text_frame(few, soql.selected_columns(soql_text))

    @staticmethod
    def bulk_query_cost(records: int) -> int:
        """Return about how many calls ``bulk_query_frame`` takes for a query that reads so many records."""
        return bulk_query.expected_calls(records)

    def bulk_query_frame(self, soql_text: str, *, include_deleted: bool = False) -> Iterator[pd.DataFrame]:
        """Yield a query's records as frames of text columns, by a Bulk API 2.0 query job: for many records."""
        return bulk_query.read_query_frames(
            self._session, soql_text, include_deleted=include_deleted, poll=self._poll
        )

    # --- small writes

    def write_collections(
        self,
        operation: Operation,
        sobject: str,
        rows: pd.DataFrame,
        *,
        key_column: str,
        fields: Collection[str] | None = None,
        external_id_field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Write a wire frame 200 records a call and yield RESULTS frames as answers arrive; nothing happens unread.

        Args:
            operation: update and delete go by the column ``Id``, upsert by ``external_id_field``.
            sobject: the object's API name.
            rows: Salesforce fields as text (``NaN`` leaves alone, ``#N/A`` clears) and the key.
            key_column: our key, which names the results.
            fields: the columns that travel; by default all, the key only if it is a field of the object.
            external_id_field: for an upsert the field it goes by; for an insert the unique field that the rows carry,
                which makes it safe to send again (its refusal ``DUPLICATE_VALUE`` then means "already created").
            headers: REST headers, for example ``Sforce-Duplicate-Rule-Header``.
        """
        chosen = rows if fields is None else rows[list(dict.fromkeys([key_column, *fields]))]
        write = CollectionsWrite(
            operation=operation,
            description=self.describe(sobject),
            external_id_field=external_id_field,
            headers={**NO_AUTO_ASSIGN, **(headers or {})},
            is_key_sent=fields is None or key_column in fields,
        )
        return write_rows(self._session, write, chosen, key_column=key_column)

    def insert_one(
        self,
        sobject: str,
        row: pd.DataFrame,
        *,
        key_column: str,
        fields: Collection[str],
        headers: Mapping[str, str] | None = None,
    ) -> pd.DataFrame:
        """Insert one record by a call of its own and return its result (contract ``RESULTS``).

        A refusal by a duplicate rule then names the records that the rule found, which Collections may not do.
        ``key_column`` is the unique field that makes it safe to send again; ``fields`` are the columns that travel.
        """
        write = CollectionsWrite(
            operation="insert",
            description=self.describe(sobject),
            external_id_field=key_column,
            headers={**NO_AUTO_ASSIGN, **(headers or {})},
        )
        return insert_one(
            self._session, write, row[list(dict.fromkeys([key_column, *fields]))], key_column=key_column
        )

    # --- large writes, step by step

    def bulk_create_job(
        self,
        *,
        sobject: str,
        operation: BulkOperation,
        external_id_field: str | None = None,
        assignment_rule_id: str | None = None,
    ) -> BulkJob:
        """Create an ``Open`` Bulk API 2.0 job, which has no effect yet; an assignment rule runs only if it is named."""
        return bulk_ingest.create_job(
            self._session,
            sobject=sobject,
            operation=operation,
            external_id_field=external_id_field,
            assignment_rule_id=assignment_rule_id,
        )

    def bulk_upload(self, job_id: str, file: Path | IO[bytes]) -> None:
        """Stream a CSV file (a path, or a seekable binary stream) into an ``Open`` job."""
        bulk_ingest.upload(self._session, job_id, file)

    def bulk_close(self, job_id: str) -> BulkJob:
        """Set a job to ``UploadComplete``, the point of no return; repeating it does no harm."""
        return bulk_ingest.close_job(self._session, job_id)

    def bulk_job(self, job_id: str) -> BulkJob:
        """Return the job as it is now."""
        return bulk_jobs.read_job(self._session, job_id)

    def bulk_jobs(self) -> Iterator[BulkJob]:
        """Yield the org's ingest jobs of the last seven days, whoever made them."""
        return bulk_jobs.list_ingest_jobs(self._session)

    def bulk_abort(self, job_id: str) -> BulkJob:
        """Abort a job; one that has ended already is left as it is."""
        return bulk_ingest.abort_job(self._session, job_id)

    def bulk_wait(self, job_id: str, *, poll: PollPolicy | None = None) -> BulkJob:
        """Wait until a job has ended and return it, whatever its end."""
        return bulk_jobs.wait_for_job(self._session, job_id, poll=poll or self._poll)

    def bulk_results(self, job_id: str, *, key_columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield RESULTS frames of an ended job; ``key_columns`` were columns of its upload (``Id`` for deletes).

        Where several columns make the key, it is those of their texts that are not empty, with a colon between them.
        """
        return bulk_results.read_results(self._session, job_id, key_columns=key_columns)

    # --- what leaves no trace

    def try_and_undo(self, sobject: str, attempts: Sequence[Attempt]) -> dict[str, str]:
        """Try calls on an object as one request that is undone whole; return the code of the one refused, by name.

        Nothing of it stays in the org, whatever happens to us meanwhile; an empty answer says that all would be done.
        """
        prefix = self.describe(sobject).key_prefix
        return try_and_undo(self._session, attempts, key_prefix=prefix, sobject=sobject)

    def job_url(self, job_id: str) -> str:
        """Return the page of a Bulk job in Salesforce's Setup."""
        return f"{self.base_url}/lightning/setup/AsyncApiJobStatus/page?address=%2F{job_id}"
