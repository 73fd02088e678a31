"""What one user may see and do: user permissions, objects, and fields under field-level security.

A user's view of the schema is a schema like any other, so that describe, SOQL and the columns of a write need no
further rule: what is hidden is gone from it, what may only be read is neither createable nor updateable in it.

Facts: Object Reference, *Event*, "Shared Field-Level Security"; Security Guide, *Field-Level Security*, *User
Permissions*; for the refusals, answers of real orgs seen in public repositories (docs/local-org-setup.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus

from include.salesforce_emulator.engine.errors import RowError, SalesforceFault
from include.salesforce_emulator.engine.org_setup import (
    FieldAccess,
    ObjectAccess,
    OrgSetup,
    UserPermission,
    UserSetup,
)
from include.salesforce_emulator.engine.schema import Field, FieldType, Schema, SObject
from include.salesforce_emulator.engine.writes import Operation

ACTIVITIES = ("Event", "Task")
_ACTIVITY_NAMES = frozenset({"activity", "event", "task"})
_MARKETING = ("Campaign", "CampaignMember", "CampaignMemberStatus")
_READ_ONLY = frozenset({ObjectAccess.READ})
_EVERYTHING = frozenset(ObjectAccess)
AUDIT_FIELDS = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"})
_NAME_PARTS = frozenset({"FirstName", "LastName", "MiddleName", "Salutation", "Suffix"})
_ALWAYS_VISIBLE = frozenset({"OwnerId", "RecordTypeId", "CurrencyIsoCode"})
_IMPLIED = {UserPermission.VIEW_ALL_DATA: UserPermission.MODIFY_ALL_DATA}


@dataclass(frozen=True)
class Access:
    """What one user may see and do, under one setup of the org.

    Attributes:
        user_id: the User's Id; None sees and does everything a user may do by default.
        setup: what the org's setup says of this user.
        whole: every object and field of the org.
    """

    user_id: str | None
    setup: UserSetup
    whole: Schema

    def allows(self, permission: UserPermission) -> bool:
        """Whether the user has a permission, be it through one that implies it."""
        granted = self.setup.permissions
        return permission in granted or _IMPLIED.get(permission, permission) in granted

    def require(self, permission: UserPermission) -> None:
        """Refuse a request that needs a permission the user lacks.

        Raises:
            SalesforceFault: INSUFFICIENT_ACCESS; its words are ours.
        """
        if not self.allows(permission):
            message = f"insufficient access rights: the user lacks the permission {permission}"
            raise SalesforceFault(HTTPStatus.FORBIDDEN, "INSUFFICIENT_ACCESS", message)

    def require_api(self) -> None:
        """Refuse every REST and Bulk request of a user who may not use the API.

        Raises:
            SalesforceFault: API_DISABLED_FOR_ORG, 403.
        """
        if not self.allows(UserPermission.API_ENABLED):
            message = "The REST API is not enabled for this Organization."
            raise SalesforceFault(HTTPStatus.FORBIDDEN, "API_DISABLED_FOR_ORG", message)

    def require_hard_delete(self) -> None:
        """Refuse a hardDelete job of a user who may not delete past the recycle bin.

        Raises:
            SalesforceFault: FEATURENOTENABLED.
        """
        if not self.allows(UserPermission.BULK_API_HARD_DELETE):
            message = (
                "hardDelete operation requires special user profile permission, please contact your system "
                "administrator"
            )
            raise SalesforceFault(HTTPStatus.BAD_REQUEST, "FEATURENOTENABLED", message)

    def require_match(self, field: Field) -> None:
        """Refuse an upsert by an External ID that is not unique to a user who may not view all data.

        Raises:
            SalesforceFault: INSUFFICIENT_ACCESS.
        """
        may_repeat = field.external_id and not field.unique
        if may_repeat and not self.allows(UserPermission.VIEW_ALL_DATA):
            message = "Upsert requires view all data on a non-unique custom index"
            raise SalesforceFault(HTTPStatus.FORBIDDEN, "INSUFFICIENT_ACCESS", message)

    def may(self, what: ObjectAccess, sobject: str) -> bool:
        """Whether the user may do something with the records of an object."""
        return what in self._objects.get(sobject.lower(), _EVERYTHING)

    @cached_property
    def schema(self) -> Schema:
        """The org's objects and fields as this user sees them."""
        if self.is_unrestricted:
            return self.whole
        return Schema(
            tuple(self._seen(item) for item in self.whole.objects if self.may(ObjectAccess.READ, item.name))
        )

    def schema_for(self, operation: Operation) -> Schema:
        """The schema that rows of a write are read by; only inserts may set audit fields."""
        return self.schema_for_insert if operation is Operation.INSERT else self.schema

    @cached_property
    def schema_for_insert(self) -> Schema:
        """The schema as `schema`, with the audit fields open to users who may set them on new records."""
        if not self.allows(UserPermission.CREATE_AUDIT_FIELDS):
            return self.schema
        return Schema(tuple(map(_with_open_audit_fields, self.schema.objects)))

    @cached_property
    def is_unrestricted(self) -> bool:
        """Whether the user sees and writes every object and field."""
        return not self._objects and not any(self.setup.fields.values())

    @cached_property
    def _objects(self) -> Mapping[str, frozenset[ObjectAccess]]:
        """By object in lower case, what the user may do; CampaignMemberStatus needs marketing rights to be read."""
        allowed = {name.lower(): rights for name, rights in self.setup.objects.items()}
        if not self.allows(UserPermission.MARKETING_USER):
            for name in _MARKETING:
                rest = frozenset() if name == "CampaignMemberStatus" else _READ_ONLY
                allowed[name.lower()] = allowed.get(name.lower(), _EVERYTHING) & rest
        return allowed

    def _seen(self, sobject: SObject) -> SObject:
        limits = _field_limits(self.setup, sobject)
        rights = self._objects.get(sobject.name.lower(), _EVERYTHING)
        return replace(
            sobject,
            fields=tuple(
                _read_only(item) if item.name.lower() in limits else item
                for item in sobject.fields
                if limits.get(item.name.lower()) is not FieldAccess.HIDDEN
            ),
            createable=sobject.createable and ObjectAccess.CREATE in rights,
            updateable=sobject.updateable and ObjectAccess.EDIT in rights,
            deletable=sobject.deletable and ObjectAccess.DELETE in rights,
        )


def access_under(setup: OrgSetup, schema: Schema, *, user_id: str | None, username: str | None) -> Access:
    """Return what a user may see and do; one whom the setup does not name has the default permissions."""
    named = {name.lower(): user for name, user in setup.users.items()}
    return Access(user_id, named.get((username or "").lower(), UserSetup()), schema)


def check_users(setup: OrgSetup, schema: Schema) -> None:
    """Refuse a setup that limits an object or a field which is not there, or cannot be limited.

    Usernames are not looked at: the User may be created later.

    Raises:
        SalesforceFault: INVALID_TYPE or INVALID_FIELD, naming the user and what is wrong.
    """
    for username, user in setup.users.items():
        where = f"The setup of the user {username}"
        for name, rights in user.objects.items():
            if schema.find(name) is None:
                message = f"{where} names the object {name}, which the org does not have."
                raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_TYPE", message)
            if rights and ObjectAccess.READ not in rights:
                message = f"{where} grants rights on {name} without read, which every other right needs."
                raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_TYPE", message)
        for name, fields in user.fields.items():
            for sobject in _named_objects(name, schema, where):
                _check_fields(sobject, fields, where)


def is_permissionable(field: Field) -> bool:
    """Whether field-level security can hide a field or make it read-only.

    It cannot where every user must have the field: system fields, names and their parts, owners, record types, and
    fields that a record must always have. Checkboxes are never empty, and yet can be hidden.
    """
    if field.name in _NAME_PARTS | _ALWAYS_VISIBLE or field.name_field or field.type is FieldType.ID:
        return False
    if field.name in AUDIT_FIELDS or field.name in ("IsDeleted", "SystemModstamp", "MasterRecordId"):
        return False
    return field.nillable or (field.type is FieldType.BOOLEAN and field.createable)


def refusal_of_object(operation: ObjectAccess, sobject: SObject) -> RowError:
    """Return what a row is told whose user may not create, edit or delete records of the object."""
    if operation is ObjectAccess.CREATE:
        message = f"entity type cannot be inserted: {sobject.label}"
        return RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
    return INSUFFICIENT_ACCESS


INSUFFICIENT_ACCESS = RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


def _named_objects(name: str, schema: Schema, where: str) -> tuple[SObject, ...]:
    names = ACTIVITIES if name.lower() == "activity" else (name,)
    found = tuple(item for item in map(schema.find, names) if item is not None)
    if not found:
        message = f"{where} names fields of the object {name}, which the org does not have."
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_TYPE", message)
    return found


def _check_fields(sobject: SObject, fields: Mapping[str, FieldAccess], where: str) -> None:
    for name in fields:
        field = sobject.field(name)
        if field is None:
            message = f"{where} names the field {sobject.name}.{name}, which the org does not have."
        elif not is_permissionable(field):
            message = f"{where} limits {sobject.name}.{field.name}, which field-level security cannot do."
        else:
            continue
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_FIELD", message)


def _field_limits(user: UserSetup, sobject: SObject) -> dict[str, FieldAccess]:
    """Return, by field in lower case, what is left of the fields that the setup limits."""
    limits: dict[str, FieldAccess] = {}
    for named, fields in user.fields.items():
        for name, left in fields.items():
            field = _limited_field(sobject, named.lower(), name)
            if field is not None:
                key = field.name.lower()
                limits[key] = _stricter(left, limits.get(key))
    return limits


def _limited_field(sobject: SObject, named: str, name: str) -> Field | None:
    """Return the field of an object that a limit on the object `named`, in lower case, concerns.

    Custom fields of Event and Task are one, those of Activity; `Ext__pc` of a Person Account is `Ext__c` of Contact.
    """
    if named == sobject.name.lower():
        return sobject.field(name)
    if sobject.name in ACTIVITIES and named in _ACTIVITY_NAMES:
        field = sobject.field(name)
        return field if field is not None and (field.custom or named == "activity") else None
    if sobject.name == "Account" and named == "contact" and name.lower().endswith("__c"):
        return sobject.field(f"{name.lower().removesuffix('c')}pc")
    return None


def _stricter(one: FieldAccess, other: FieldAccess | None) -> FieldAccess:
    return FieldAccess.HIDDEN if FieldAccess.HIDDEN in (one, other) else FieldAccess.READ


def _read_only(field: Field) -> Field:
    return replace(field, createable=False, updateable=False)


def _with_open_audit_fields(sobject: SObject) -> SObject:
    return replace(
        sobject,
        fields=tuple(
            replace(item, createable=True) if item.name in AUDIT_FIELDS else item for item in sobject.fields
        ),
    )
