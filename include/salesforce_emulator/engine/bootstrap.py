"""What every org holds on its first day: the organisation, the profiles, and the users who are not people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.ids import make_id
from include.salesforce_emulator.engine.rules.user import STANDARD_PROFILE
from include.salesforce_emulator.engine.store import Store, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.salesforce_emulator.engine.schema import Schema

INTEGRATION_USERNAME = "integration@local-org.example"
INTEGRATION_PROFILE = "Minimum Access - API Only Integrations"
_PROFILES = (
    ("System Administrator", "Standard"),
    (STANDARD_PROFILE, "Standard"),
    (INTEGRATION_PROFILE, "Standard"),
    ("Chatter Free User", "CsnOnly"),
    ("Customer Community Login User", "CspLitePortal"),
    ("Automated Process", "AutomatedProcess"),
)
_LOCALE = {"TimeZoneSidKey": "GMT", "LanguageLocaleKey": "en_US"}


@dataclass(frozen=True, slots=True)
class OrgIds:
    """The Ids that outlive a reset, so that sessions and ledgers stay valid."""

    organization: str
    integration_user: str


def org_ids(store: Store, schema: Schema) -> OrgIds:
    """Return the org's own Ids, made on first use."""
    made = {}
    for fact, sobject in (("organization_id", "Organization"), ("integration_user_id", "User")):
        known = store.fact(fact)
        if known is None:
            known = make_id(schema.get(sobject).key_prefix, store.reserve_numbers(sobject, 1))
            store.keep_fact(fact, known)
        made[fact] = known
    return OrgIds(made["organization_id"], made["integration_user_id"])


def fill_org(store: Store, schema: Schema, ids: OrgIds, *, stamp: str) -> None:
    """Store the first day's records in an org that has none."""
    if store.fetch("SELECT 1 FROM Organization LIMIT 1"):
        return
    filler = _Filler(store, schema, ids, stamp)
    with store.transaction():
        filler.add(
            "Organization",
            ids.organization,
            Name="Local Org",
            OrganizationType="Developer Edition",
            InstanceName="LOC1",
            DefaultLocaleSidKey="en_US",
            IsSandbox=0,
            **_LOCALE,
        )
        profiles = {name: filler.add("Profile", Name=name, UserType=kind) for name, kind in _PROFILES}
        filler.add_user(
            ids.integration_user,
            "Integration",
            INTEGRATION_USERNAME,
            "Standard",
            profiles[INTEGRATION_PROFILE],
        )
        filler.add_user(
            None,
            "Automated Process",
            "autoproc@local-org.example",
            "AutomatedProcess",
            profiles["Automated Process"],
        )


class _Filler:
    def __init__(self, store: Store, schema: Schema, ids: OrgIds, stamp: str) -> None:
        self._store = store
        self._schema = schema
        self._audit: Mapping[str, Any] = {
            "CreatedDate": stamp,
            "CreatedById": ids.integration_user,
            "LastModifiedDate": stamp,
            "LastModifiedById": ids.integration_user,
            "SystemModstamp": stamp,
        }

    def add(self, sobject: str, record_id: str | None = None, **values: Any) -> str:
        target = self._schema.get(sobject)
        record_id = record_id or make_id(target.key_prefix, self._store.reserve_numbers(target.name, 1))
        defaults: dict[str, Any] = {name: default for name, default, _ in target.defaults}
        row = {**defaults, "Id": record_id, **self._audit, **values}
        row = {name: value for name, value in row.items() if target.field(name) is not None}
        columns, marks = ", ".join(map(quote, row)), ", ".join("?" * len(row))
        with self._store.transaction() as connection:
            connection.execute(
                f"INSERT INTO {quote(target.name)} ({columns}) VALUES ({marks})",  # noqa: S608 - schema names
                tuple(row.values()),
            )
        return record_id

    def add_user(
        self, record_id: str | None, last_name: str, username: str, kind: str, profile_id: str
    ) -> str:
        return self.add(
            "User",
            record_id,
            LastName=last_name,
            Name=last_name,
            Username=username,
            Email=username,
            Alias=username.partition("@")[0][:8],
            CommunityNickname=username.partition("@")[0],
            IsActive=1,
            UserType=kind,
            ProfileId=profile_id,
            LocaleSidKey="en_US",
            EmailEncodingKey="UTF-8",
            **_LOCALE,
        )
