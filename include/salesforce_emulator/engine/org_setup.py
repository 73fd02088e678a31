"""How the org is set up: its features, what users may do, and the rules that an administrator made.

One document says it all, so that a test states the org it needs in one place. `--setup FILE` gives it at the start,
`PUT /__emulator__/setup` at any time; the org keeps it with its data. A document replaces the one before it whole.
The names are Salesforce's; where Salesforce has a formula or a screen, a condition here is a small object.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Setup(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UserPermission(StrEnum):
    """The user permissions that change what the org does, by their API names."""

    API_ENABLED = "ApiEnabled"
    BULK_API_HARD_DELETE = "BulkApiHardDelete"
    CONVERT_LEADS = "ConvertLeads"
    CREATE_AUDIT_FIELDS = "CreateAuditFields"
    MARKETING_USER = "MarketingUser"
    MODIFY_ALL_DATA = "ModifyAllData"
    UPDATE_WITH_INACTIVE_OWNER = "UpdateWithInactiveOwner"
    USE_ANY_API_AUTH = "UseAnyApiAuth"
    VIEW_ALL_DATA = "ViewAllData"
    VIEW_AND_EDIT_CONVERTED_LEADS = "AllowViewEditConvertedLeads"


DEFAULT_PERMISSIONS = frozenset(UserPermission) - {
    UserPermission.CREATE_AUDIT_FIELDS,
    UserPermission.UPDATE_WITH_INACTIVE_OWNER,
    UserPermission.VIEW_AND_EDIT_CONVERTED_LEADS,
}
"""What a user may do whom the document does not name: everything but the escapes from data rules."""


class FieldAccess(StrEnum):
    """What field-level security leaves a user of a field."""

    HIDDEN = "hidden"
    READ = "read"


class ObjectAccess(StrEnum):
    """What a user may do with an object's records; a user who may do nothing of it does not see the object."""

    READ = "read"
    CREATE = "create"
    EDIT = "edit"
    DELETE = "delete"


class UserSetup(_Setup):
    """What one user may do.

    Attributes:
        permissions: the user permissions; left out, `DEFAULT_PERMISSIONS`.
        fields: by object and field, what field-level security leaves; a field not named is read and written.
            Fields of Event and Task are one: a custom field named for one of them counts for both.
        objects: by object, what the user may do with its records; an object not named: everything.
        above: Usernames of those whom this user's role is above.
    """

    permissions: frozenset[UserPermission] = DEFAULT_PERMISSIONS
    fields: dict[str, dict[str, FieldAccess]] = {}
    objects: dict[str, frozenset[ObjectAccess]] = {}
    above: frozenset[str] = frozenset()


class Condition(_Setup):
    """A condition on one field of the record as it will be once it is written; texts compare in any letter case."""

    field: str
    operator: Literal[
        "equals",
        "not_equals",
        "contains",
        "not_contains",
        "starts_with",
        "less_than",
        "greater_than",
        "is_blank",
        "is_not_blank",
        "is_changed",
    ] = "equals"
    value: str | int | float | bool | None = None


class RecordTypeSetup(_Setup):
    """A record type; `person` ones exist on Account only and make its records Person Accounts.

    Attributes:
        default: whether new records get it that name none; Account has one default for businesses and one for people.
    """

    sobject: str
    developer_name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=80)
    name: str = Field(min_length=1, max_length=80)
    active: bool = True
    person: bool = False
    default: bool = False


class MatchingRule(_Setup):
    """Which records of an object are duplicates: those that agree in every field, none of them blank.

    Attributes:
        name: what refusals call it; matching rules of one name and object count as one, any of them finding a record.
        sobject: the object that is searched.
        fields: by field of the record that is written, the field of the record that is searched.
    """

    name: str
    sobject: str
    fields: dict[str, str] = Field(min_length=1)


class DuplicateRuleSetup(_Setup):
    """A duplicate rule: what happens when a record that is written looks like one that exists.

    Attributes:
        name: its DeveloperName.
        sobject: Account, Contact, Lead or a custom object.
        on_create, on_edit: `allow` or `block` the record.
        alert: whether `allow` alerts, which API clients see as a refusal they may override.
        matching_rules: any of them finding a record is enough.
        bypassed_by: Usernames the rule does not apply to.
    """

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=80)
    sobject: str
    active: bool = True
    on_create: Literal["allow", "block"] = "allow"
    on_edit: Literal["allow", "block"] = "allow"
    alert: bool = True
    message: str = "Use one of these records?"
    matching_rules: tuple[MatchingRule, ...] = Field(min_length=1)
    bypassed_by: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """Its MasterLabel."""
        return self.name.replace("_", " ")


class AssignmentEntry(_Setup):
    """Who owns a new record that meets all conditions: a User's Username or Id."""

    conditions: tuple[Condition, ...] = ()
    owner: str


class AssignmentRuleSetup(_Setup):
    """An assignment rule of Leads; the first entry that fits decides, else `OrgSetup.default_lead_owner`."""

    name: str
    sobject: Literal["Lead"] = "Lead"
    active: bool = True
    entries: tuple[AssignmentEntry, ...] = ()


class ValidationRuleSetup(_Setup):
    """A validation rule: a record that meets all conditions is refused with the message.

    Attributes:
        field: the field the message is shown at; None shows it at the top of the page.
        bypassed_by: Usernames the rule does not apply to.
    """

    name: str
    sobject: str
    active: bool = True
    conditions: tuple[Condition, ...] = Field(min_length=1)
    message: str = Field(max_length=255)
    field: str | None = None
    bypassed_by: frozenset[str] = frozenset()


class OrgSetup(_Setup):
    """The whole document.

    Attributes:
        soap_login: whether `login` of the SOAP API may be used; off by default in orgs made since Winter '26.
        person_accounts: once on, an org that holds Person Accounts keeps them on.
        multiday_events: whether an Event may be longer than 24 hours (at most 14 days either way).
        activity_sharing: the organisation-wide default of activities. `private`: only the owner, someone above in
            the role hierarchy, or a user with Modify All Data may edit or delete one.
        users: by Username; `integration@local-org.example` is the user whose credentials the org gives out.
        default_lead_owner: Username or Id of who owns a Lead that no entry of an assignment rule fits.
    """

    soap_login: bool = True
    person_accounts: bool = False
    multiday_events: bool = True
    activity_sharing: Literal["public", "private"] = "public"
    users: dict[str, UserSetup] = {}
    record_types: tuple[RecordTypeSetup, ...] = ()
    duplicate_rules: tuple[DuplicateRuleSetup, ...] = ()
    assignment_rules: tuple[AssignmentRuleSetup, ...] = ()
    default_lead_owner: str | None = None
    validation_rules: tuple[ValidationRuleSetup, ...] = ()
