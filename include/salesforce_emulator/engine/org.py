"""The engine's facade: one Salesforce org, without HTTP.

Everything the HTTP half needs is here; it imports nothing else of the engine but `access`, `errors`, `clock`,
`schema` and `store.Store` (whose `transaction()` also guards tables of its own, such as Bulk jobs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, Unpack

from pydantic import ValidationError

from include.salesforce_emulator.engine.access import Access, access_under, check_users
from include.salesforce_emulator.engine.bootstrap import fill_org, org_ids
from include.salesforce_emulator.engine.clock import Clock
from include.salesforce_emulator.engine.columns import BadColumn, read_column
from include.salesforce_emulator.engine.conversion import ConversionWishes, LeadConversion, LeadConvert
from include.salesforce_emulator.engine.describe import describe_object, describe_short
from include.salesforce_emulator.engine.errors import RowError, SalesforceFault, resource_not_found
from include.salesforce_emulator.engine.features import check_no_person_accounts, schema_for
from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.merging import MergeResult, Merging
from include.salesforce_emulator.engine.org_setup import OrgSetup, UserSetup
from include.salesforce_emulator.engine.package_objects import deploy
from include.salesforce_emulator.engine.reading import match_field, read_records
from include.salesforce_emulator.engine.record_types import store_record_types
from include.salesforce_emulator.engine.records import RecordWriter
from include.salesforce_emulator.engine.references import find_by_field, match_key
from include.salesforce_emulator.engine.rules.of_setup import OrgRules
from include.salesforce_emulator.engine.schema import IDS, Schema, SObject
from include.salesforce_emulator.engine.setup_records import keep_setup_records
from include.salesforce_emulator.engine.soql.results import API_VERSION, QueryResult, restore, run
from include.salesforce_emulator.engine.soql.syntax import Comparison, LiteralKind, Path, Query, SelectItem
from include.salesforce_emulator.engine.soql.syntax import Literal as SoqlLiteral
from include.salesforce_emulator.engine.soql.translate import translate, translate_tree
from include.salesforce_emulator.engine.standard_objects import standard_schema
from include.salesforce_emulator.engine.storage import used_kilobytes
from include.salesforce_emulator.engine.store import Store
from include.salesforce_emulator.engine.values import date_time_text
from include.salesforce_emulator.engine.writes import Operation, RowResult, WriteOptions

if TYPE_CHECKING:
    import pathlib

__all__ = [
    "API_VERSION",
    "Operation",
    "OperationName",
    "Org",
    "QueryResult",
    "RowError",
    "RowResult",
    "SObject",
    "SalesforceFault",
    "WriteOptions",
]

OperationName = Literal["insert", "update", "upsert", "delete", "hardDelete", "undelete"]
_SETUP_FACT = "setup"


class Org:
    """One Salesforce org: its schema, records, behaviours and clock.

    Attributes:
        clock: the org's own time.
        store: the org's database, open to tables of the HTTP half.
        configured_at: when its objects, fields and rules last changed, a start included.
        organization_id: the Id of the organisation, the same after a restart or a reset.
        integration_user_id: the Id of the user whose credentials the server gives out.
    """

    def __init__(self, store: Store, schema: Schema, clock: Clock, setup: OrgSetup | None = None) -> None:
        """Open the org kept in `store`.

        Args:
            store: the org's database.
            schema: standard objects and what the package adds, without what the setup adds.
            clock: the org's time.
            setup: how the org is set up at its start; None leaves it as the store has it.
        """
        self.clock = clock
        self.store = store
        self._deployed = schema
        store.create_tables(schema)
        self._ids = org_ids(store, schema)
        self.organization_id = self._ids.organization
        self.integration_user_id = self._ids.integration_user
        self._first_setup = setup or _kept_setup(store)
        self._use(self._first_setup)
        fill_org(store, self._schema, self._ids, stamp=date_time_text(clock.now()))
        self.configure(self._first_setup)

    @classmethod
    def open(
        cls, data: pathlib.Path | None, package: pathlib.Path | None, setup: OrgSetup | None = None
    ) -> Org:
        """Open the org kept in `data` (in memory if None) with the objects and fields of the `package` folder.

        Raises:
            SalesforceFault: the package cannot be deployed, or the setup does not fit the org.
        """
        store, schema = Store(data), standard_schema()
        if package is not None:
            schema = deploy(schema, package, store)
        return cls(store, schema, Clock(), setup)

    @property
    def setup(self) -> OrgSetup:
        """How the org is set up."""
        return self._setup

    def configure(self, setup: OrgSetup) -> None:
        """Set the org up anew; the document replaces the one before it whole.

        Raises:
            SalesforceFault: the document names an object or a field that the org does not have.
        """
        with self.store.transaction():
            self.store.keep_fact(_SETUP_FACT, setup.model_dump_json())
            self._use(setup)

    def _use(self, setup: OrgSetup) -> None:
        check_no_person_accounts(self.store, setup)
        schema = schema_for(setup, self._deployed)
        check_users(setup, schema)
        rules = OrgRules(setup, schema)
        self.store.create_tables(schema)
        stamp = date_time_text(self.clock.now())
        self._record_types = store_record_types(
            self.store, schema, setup, user_id=self.integration_user_id, stamp=stamp
        )
        keep_setup_records(self.store, schema, setup, user_id=self.integration_user_id, stamp=stamp)
        rules.duplicates.prepare(self.store)
        self._setup = setup
        self._schema = schema
        self.configured_at = self.clock.now()
        self._accesses: dict[tuple[str, str], Access] = {}
        self._writer = RecordWriter(schema, self.store, self.clock, setup, rules)
        self._conversion = LeadConversion(schema, self.store, self.clock, self._writer)

    def access_of(self, user_id: str | None) -> Access:
        """Return what a user may see and do; None stands for one who sees and does everything by default."""
        if user_id is None or not self._setup.users:
            return Access(user_id, UserSetup(), self._schema)
        found = self.store.fetch("SELECT Username FROM User WHERE Id = ?", (user_id,))
        username = str(found[0][0]) if found else ""
        known = self._accesses.get((user_id, username))
        if known is None:
            known = access_under(self._setup, self._schema, user_id=user_id, username=username)
            self._accesses[user_id, username] = known
        return known

    def used_storage_kilobytes(self) -> int:
        """Return the data storage that the records outside the recycle bin take."""
        return used_kilobytes(self.store, self._schema)

    def close(self) -> None:
        """Release the store."""
        self.store.close()

    def sobjects(self, *, user_id: str | None = None) -> list[SObject]:
        """Return every object of the org, as a user sees it, by name."""
        return sorted(self.access_of(user_id).schema.objects, key=lambda sobject: sobject.name)

    def sobject(self, name: str, *, user_id: str | None = None) -> SObject:
        """Return one object, as a user sees it, by its name in any letter case.

        Raises:
            SalesforceFault: NOT_FOUND.
        """
        return self.access_of(user_id).schema.get(name)

    def describe(
        self, name: str, *, version: str = API_VERSION, user_id: str | None = None
    ) -> dict[str, Any]:
        """Return the full describe of one object, as REST answers it to a user.

        Raises:
            SalesforceFault: NOT_FOUND.
        """
        seen = self.access_of(user_id).schema_for(Operation.INSERT)
        return describe_object(seen.get(name), seen, version=version, record_types=self._record_types)

    def describe_global(self, *, version: str = API_VERSION, user_id: str | None = None) -> dict[str, Any]:
        """Return the short describe of every object, as REST answers it to a user."""
        described = [describe_short(sobject, version=version) for sobject in self.sobjects(user_id=user_id)]
        return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": described}

    def write(
        self,
        operation: OperationName,
        sobject: str,
        rows: Sequence[Mapping[str, object]],
        *,
        external_id: str | None,
        options: WriteOptions,
    ) -> list[RowResult]:
        """Write rows in one transaction.

        Args:
            operation: what to do with them.
            sobject: the object's name, in any letter case.
            rows: by field name or relationship column (`Account.Ext__c`, `Lead:Who.Ext__c`, or nested as JSON has it).
            external_id: the field an upsert matches by; None means the record's Id.
            options: who writes, and how the rows are to be read.

        Returns:
            One result a row, in order; a bad row is a result, not an exception.

        Raises:
            SalesforceFault: the object is unknown or does not take the operation, or `external_id` cannot match.
        """
        access = self.access_of(None if options.as_system else options.user_id)
        target = self._schema.get(access.schema.get(sobject).name)
        return self._writer.write(
            Operation(operation), target, rows, external_id=external_id, options=options, access=access
        )

    def check_columns(
        self,
        sobject: str,
        operation: OperationName,
        columns: Sequence[str],
        external_id: str | None,
        *,
        user_id: str | None = None,
    ) -> str | None:
        """Return what a user's Bulk job says of its first bad column: `InvalidBatch : Field name not found : X`."""
        seen = self.access_of(user_id).schema
        target = seen.find(sobject)
        if target is None:
            return f"InvalidJob : Unable to find object: {sobject}"
        for column in columns:
            found = read_column(column, target, seen, from_csv=True)
            if isinstance(found, BadColumn):
                return found.job_error
        lowered = {column.lower() for column in columns}
        needed = external_id if operation == "upsert" else None if operation == "insert" else "Id"
        if needed is not None and needed.lower() != "id" and needed.lower() not in lowered:
            return f"InvalidBatch : Field name not found : {needed}"
        if needed is not None and needed.lower() == "id" and operation != "upsert" and "id" not in lowered:
            return "InvalidBatch : Field name not found : Id"
        return None

    def retrieve(
        self,
        sobject: str,
        record_id: str,
        fields: Sequence[str] | None = None,
        *,
        version: str = API_VERSION,
        user_id: str | None = None,
    ) -> dict[str, Any]:
        """Return one record as REST JSON: the fields asked for, or all that the user sees.

        Raises:
            SalesforceFault: NOT_FOUND or ENTITY_IS_DELETED (404), or INVALID_FIELD.
        """
        seen = self.access_of(user_id).schema
        target = seen.get(sobject)
        known = normalise_id(record_id)
        stored = read_records(self.store, target, [known]).get(known) if known is not None else None
        if known is None or stored is None:
            raise resource_not_found()
        if stored["IsDeleted"]:
            raise SalesforceFault(HTTPStatus.NOT_FOUND, "ENTITY_IS_DELETED", "entity is deleted")
        names = [item.name for item in target.fields] if fields is None else list(dict.fromkeys(fields))
        select = tuple(SelectItem(Path(tuple(name.split(".")), 0), None) for name in names or ["Id"])
        is_it = Comparison(Path(("Id",), 0), "=", SoqlLiteral(LiteralKind.STRING, known, 0))
        compiled = translate_tree(
            Query(select, target.name, 0, None, where=is_it),
            seen,
            today=self.clock.now().date(),
            include_deleted=True,
        )
        return run(compiled, self.store, self._schema).records(0, 1, version=version)[0]

    def stored_records(self, sobject: str, record_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the records of the given Ids of 18 characters, by Id, each with its stored values by field name."""
        return read_records(self.store, self._schema.get(sobject), record_ids)

    def find_by_external_id(
        self, sobject: str, field: str, value: str, *, user_id: str | None = None
    ) -> list[str]:
        """Return the Ids of the records that hold the value (where they are several, REST answers 300).

        Raises:
            SalesforceFault: the field cannot match records, or not for this user.
        """
        target = self.sobject(sobject, user_id=user_id)
        match = match_field(target, field)
        wanted = (normalise_id(value) or value) if match.type in IDS else value
        return find_by_field(self.store, target, match, [wanted]).get(match_key(match, wanted), [])

    def query(self, soql: str, *, include_deleted: bool = False, user_id: str | None = None) -> QueryResult:
        """Run SOQL over what a user sees; with `include_deleted`, deleted, merged and archived records show too.

        Raises:
            SalesforceFault: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE with the position, or NOT_IMPLEMENTED.
        """
        today = self.clock.now().date()
        compiled = translate(
            soql,
            self.access_of(user_id).schema,
            today=today,
            include_deleted=include_deleted,
            user_id=user_id,
        )
        return run(compiled, self.store, self._schema)

    def resume_query(self, state: str, user_id: str | None = None) -> QueryResult:
        """Return the result of a user's query whose `QueryResult.state` was kept, such as a cursor's over a restart.

        Raises:
            SalesforceFault: the org no longer has what the query asks for.
        """
        return restore(state, self.store, self.access_of(user_id).schema)

    def convert_lead(
        self, lead_id: str, *, user_id: str | None = None, **wishes: Unpack[ConversionWishes]
    ) -> dict[str, Any]:
        """Convert a Lead into an Account and a Contact, or a Person Account, or into the ones given.

        Args:
            lead_id: the Lead.
            user_id: who converts; None is the integration user.
            **wishes: what else `LeadConvert` says; left out, no Opportunity is made.

        Returns:
            leadId, accountId, contactId, opportunityId (None without one) and success.

        Raises:
            SalesforceFault: a record is missing or deleted, the Lead is converted already, or the records given do
                not belong together.
        """
        wanted = LeadConvert(lead_id, **wishes)
        return self._conversion.convert(wanted, user_id=user_id or self.integration_user_id)

    def merge(
        self,
        sobject: str,
        master_id: str,
        loser_ids: Sequence[str],
        *,
        fields: Mapping[str, object] | None = None,
        user_id: str | None = None,
    ) -> MergeResult:
        """Merge one or two records into the master: they are deleted, and what pointed at them points at it.

        Args:
            sobject: the object's name.
            master_id: the record that stays.
            loser_ids: the records that go.
            fields: new values of the master, written as an update once the losers are gone, so that it may take over
                a unique value of theirs.
            user_id: who merges; None is the integration user.

        Raises:
            SalesforceFault: the object cannot be merged, a record is missing, deleted or of another object, or the
                update is refused.
        """
        writer = user_id or self.integration_user_id
        merging = Merging(
            self._schema, self.store, self._writer, user_id=writer, stamp=date_time_text(self.clock.now())
        )
        return merging.merge(
            self.sobject(sobject), master_id, loser_ids, fields=fields, access=self.access_of(user_id)
        )

    def reset(self) -> None:
        """Remove every record and start afresh, with the organisation, integration user and setup of the start."""
        with self.store.transaction():
            self.store.clear(self._schema)
            self.configure(self._first_setup)
            fill_org(self.store, self._schema, self._ids, stamp=date_time_text(self.clock.now()))


def _kept_setup(store: Store) -> OrgSetup:
    kept = store.fact(_SETUP_FACT)
    try:
        return OrgSetup() if kept is None else OrgSetup.model_validate_json(kept)
    except ValidationError as error:
        message = "The setup that its data holds is not one any more. Give another with --setup."
        raise SalesforceFault(HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", message) from error
