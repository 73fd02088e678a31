"""Make people members of the campaigns of their bookings, once they are there (rule M13).

A person can be a member of a Campaign once, so what is sent twice lands once. Every pass plans afresh from what the
ledger knows by then: runs that work side by side record their bookings before they write, so whoever writes last has
seen them all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError, RequestRefusedError
from include.frames import MEMBERSHIPS, RESOLVED_PAIRS, TEXT, TOUCHED_CAMPAIGNS
from include.ledger.contracts import (
    CAMPAIGN_MEMBERS,
    FORWARDS,
    NAMED_CAMPAIGNS,
    READ_AGAIN,
    SETTLED_CAMPAIGN_BOOKINGS,
)
from include.mapping.members import MEMBER_KEY_FIELDS, MEMBER_SOBJECT, noted_members, plan_members
from include.pipeline.artifacts import CHECK
from include.pipeline.campaign_reading import CampaignReader
from include.pipeline.campaigns import PAIRS_NAME, TOUCHED_NAME, read_asked, read_facts
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.loading import Load, Loader, choose_api, is_class
from include.pipeline.people_lookups import PeopleLookups
from include.reasons import Action, CampaignNote
from include.salesforce.error_codes import DUPLICATE_VALUE, RetryClass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import pandas as pd

    from include.settings.model import Settings

ADD_MEMBERS: Final = "add_members"
UPDATE_MEMBERS: Final = "update_members"
PASSES: Final = 3
"""Times that memberships are planned and sent: as planned, as the org turned out to be, and after another run."""

_KEY: Final = "member_key"
FIELD_OF_PREFIX: Final = {"00Q": "LeadId", "003": "ContactId"}
"""Which field of a membership takes a record, by key prefix (Salesforce Help, "Standard Field Record ID Prefix")."""


def load_members(run: SyncRun, wiring: Wiring, settings: Settings) -> dict[str, object]:
    """Write the memberships that the run's bookings ask for, and return counts with their balance in words.

    What Salesforce refuses is noted; it never fails the run.

    Raises:
        OrgExhaustedError, SalesforceUnavailableError: memberships stay pending; the task is retried.
    """
    pairs = wiring.staging.read_frame(run.run_id, CHECK, PAIRS_NAME, RESOLVED_PAIRS)
    if pairs.empty:
        return {}
    counted = pairs[pairs["campaign_id"].notna() | pairs["was_counted"]]
    wiring.ledger.record_campaign_bookings(SETTLED_CAMPAIGN_BOOKINGS.conform(counted), now=run.now)
    return MemberLoader(run, wiring, settings, pairs).load()


def recover_members(run: SyncRun, wiring: Wiring, settings: Settings) -> None:
    """Keep what jobs of an interrupted attempt of this run did."""
    pairs = wiring.staging.read_frame(run.run_id, CHECK, PAIRS_NAME, RESOLVED_PAIRS)
    if not pairs.empty:
        MemberLoader(run, wiring, settings, pairs).recover()


class MemberLoader:
    """Carries out the plan of one run's memberships."""

    def __init__(self, run: SyncRun, wiring: Wiring, settings: Settings, pairs: pd.DataFrame) -> None:
        """Take the pairs that settle (contract ``RESOLVED_PAIRS``)."""
        self._run = run
        self._wiring = wiring
        self._settings = settings
        self._pairs = pairs
        self._touched = wiring.staging.read_frame(run.run_id, CHECK, TOUCHED_NAME, TOUCHED_CAMPAIGNS)
        self._facts = read_facts(run, wiring)
        self._loader = Loader(run, wiring)
        self._created: set[str] = set()
        self._updated: set[str] = set()
        self._refused: dict[str, str] = {}

    def recover(self) -> None:
        """Keep what jobs of an interrupted attempt did."""
        for recovered in self._loader.recover(ADD_MEMBERS, 0):
            self._settle_added(recovered.rows, recovered.results)
        for recovered in self._loader.recover(UPDATE_MEMBERS, 0):
            self._settle_updated(recovered.rows, recovered.results)

    def load(self) -> dict[str, object]:
        """Send what is to be sent, keep what became of it, and return counts."""
        self.recover()
        for _ in range(PASSES):
            members = self._plan()
            is_open = ~members[_KEY].isin(self._refused)
            new = members[is_open & members["action"].eq(Action.CREATE)]
            changed = members[is_open & members["action"].eq(Action.UPDATE)]
            if new.empty and changed.empty:
                break
            self._send(member_load(Action.CREATE, new, settings=self._settings), self._settle_added)
            self._send(member_load(Action.UPDATE, changed, settings=self._settings), self._settle_updated)
        return self._close(self._plan())

    def _plan(self) -> pd.DataFrame:
        """Return what is to be done as org and ledger stand now: ``MEMBERS`` with the key of each row."""
        ledger, clients = self._wiring.ledger, set(self._pairs["client_id"])
        links = ledger.person_links(clients).set_index("client_id")["record_id"]
        bookings = ledger.campaign_bookings(clients, set(links))
        touched = self._touched.assign(person_ref=self._touched["client_id"].map(links).astype(TEXT))
        facts = replace(self._facts, asked=read_asked(self._wiring, set(bookings["who_id"].dropna())))
        members = plan_members(bookings, touched, facts, self._settings.campaign_member_statuses)
        return members.assign(**{_KEY: _keys(members)})

    def _send(self, load: Load, settle: Callable[[pd.DataFrame, pd.DataFrame], None]) -> None:
        if load.rows.empty:
            return
        try:
            for results in self._loader.load(load):
                settle(load.rows, results)
        except (ConfigurationError, RequestRefusedError) as error:
            is_forbidden = isinstance(error, ConfigurationError)
            note = CampaignNote.NOT_PERMITTED if is_forbidden else CampaignNote.REFUSED_BY_SALESFORCE
            self._refuse(load.rows[_KEY], note)

    def _settle_added(self, rows: pd.DataFrame, results: pd.DataFrame) -> None:
        answered = rows.merge(results, left_on=_KEY, right_on="key")
        added = answered[answered["is_success"]]
        self._keep(added.assign(member_id=added["record_id"]))
        self._created.update(added[_KEY])
        is_there = answered["error_code"].eq(DUPLICATE_VALUE)
        self._look_again(answered[is_there])
        is_moved = is_class(answered, RetryClass.PERSON)
        self._follow(answered[is_moved])
        self._refuse_rest(answered[~is_there & ~is_moved])

    def _settle_updated(self, rows: pd.DataFrame, results: pd.DataFrame) -> None:
        answered = rows.merge(results, left_on="Id", right_on="key")
        updated = answered[answered["is_success"]]
        self._keep(updated)
        self._updated.update(updated[_KEY])
        is_gone = is_class(answered, RetryClass.PERSON)
        self._look_again(answered[is_gone])
        self._refuse_rest(answered[~is_gone])

    def _keep(self, members: pd.DataFrame) -> None:
        """Record memberships that were written, in the ledger and for the next pass."""
        self._remember(members[list(MEMBERSHIPS.columns)])
        self._record(members)

    def _remember(self, memberships: pd.DataFrame) -> None:
        import pandas as pd

        both = pd.concat([self._facts.memberships, memberships], ignore_index=True)
        newest = both.drop_duplicates(["campaign_id", "who_id"], keep="last")
        self._facts = replace(self._facts, memberships=MEMBERSHIPS.conform(newest))

    def _look_again(self, members: pd.DataFrame) -> None:
        """Read memberships that turned out to be there already, or to be gone."""
        if members.empty:
            return
        known = self._facts.memberships
        left = known[~_keys(known).isin(_keys(members))]
        self._facts = replace(self._facts, memberships=left)
        reader = CampaignReader(self._wiring.salesforce)
        self._remember(reader.memberships(set(members["campaign_id"]), set(members["who_id"])))

    def _follow(self, members: pd.DataFrame) -> None:
        """Follow people who were converted or merged since they were matched (rule M7)."""
        if members.empty:
            return
        lookups = PeopleLookups(self._wiring, self._settings)
        found = lookups.by_ids(set(members["who_id"])).rename(columns={"who_id": "new_id"})
        moved = found[found["found_id"] != found["new_id"]]
        if not moved.empty:
            named = moved.rename(columns={"found_id": "old_id", "record_id": "new_record_id"})
            self._wiring.ledger.follow_people(FORWARDS.conform(named))
            persons = set(moved["new_id"])
            self._remember(
                CampaignReader(self._wiring.salesforce).memberships(set(members["campaign_id"]), persons)
            )
        stuck = members[~members["who_id"].isin(moved["found_id"])]
        self._refuse(stuck[_KEY], CampaignNote.REFUSED_BY_SALESFORCE)

    def _refuse_rest(self, answered: pd.DataFrame) -> None:
        may_pass = is_class(answered, RetryClass.TRANSIENT) | answered["is_unprocessed"]
        self._refuse(answered.loc[may_pass, _KEY], CampaignNote.TRANSIENT_EXHAUSTED)
        is_refused = ~answered["is_success"] & ~may_pass
        self._refuse(answered.loc[is_refused, _KEY], CampaignNote.REFUSED_BY_SALESFORCE)

    def _refuse(self, keys: pd.Series[str], note: CampaignNote) -> None:
        self._refused.update(dict.fromkeys(keys, str(note)))

    def _record(self, members: pd.DataFrame) -> None:
        kept = members[["campaign_id", "who_id", "member_id", "member_status", "note"]]
        results = kept.rename(columns={"who_id": "record_id"})
        self._wiring.ledger.record_campaign_members(CAMPAIGN_MEMBERS.conform(results), now=self._run.now)

    def _close(self, members: pd.DataFrame) -> dict[str, object]:
        """Keep every note, and return the counts of this run's people and campaigns with their balance."""
        import pandas as pd

        is_left = members["action"].ne(Action.NONE) & ~members[_KEY].isin(self._refused)
        self._refuse(members.loc[is_left, _KEY], CampaignNote.TRANSIENT_EXHAUSTED)
        refusals = members[_KEY].map(self._refused).astype(TEXT)
        settled = members.assign(
            note=refusals.fillna(members["note"]),
            member_status=members["member_status"].mask(refusals.notna()),
        )
        self._have_read_again(
            settled.loc[settled["note"].eq(CampaignNote.TRANSIENT_EXHAUSTED), "booking_key"]
        )
        pairs = self._with_links()
        unresolved = noted_members(pairs).assign(campaign_id=lambda rows: rows["campaign"])
        kept = pd.concat([settled, unresolved], ignore_index=True)
        self._record(kept)
        named = pairs[pairs["campaign_id"].notna() & (pairs["campaign"] != pairs["campaign_id"])]
        idle = self._idle(members).assign(campaign=lambda rows: rows["campaign_id"])
        dropped = pd.concat([named, idle], ignore_index=True).rename(columns={"who_id": "record_id"})
        self._wiring.ledger.drop_campaign_notes(NAMED_CAMPAIGNS.conform(dropped))
        nobody = pairs[pairs["person_ref"].isna() & ~pairs["is_gone"]]
        missing = len(
            self._pairs.loc[nobody.index].drop_duplicates(["person_ref", "campaign_id", "campaign"])
        )
        return _counts(kept, created=self._created, updated=self._updated - self._created, missing=missing)

    def _idle(self, members: pd.DataFrame) -> pd.DataFrame:
        """Return the touched campaigns and people (``campaign_id``, ``who_id``) that no booking asks for any more."""
        links = self._wiring.ledger.person_links(set(self._touched["client_id"])).set_index("client_id")
        touched = self._touched.assign(who_id=self._touched["client_id"].map(links["who_id"]).astype(TEXT))
        known = touched.dropna(subset=["who_id"])
        return known[~_keys(known).isin(members[_KEY])]

    def _have_read_again(self, booking_keys: pd.Series[str]) -> None:
        """Have the next run read the bookings that decide about memberships which may be taken another time."""
        if booking_keys.empty:
            return
        appointments = self._pairs.set_index("booking_key")["appointment_id"]
        pairs = booking_keys.to_frame().assign(appointment_id=booking_keys.map(appointments))
        reason = str(CampaignNote.TRANSIENT_EXHAUSTED)
        self._wiring.ledger.mark_dirty(READ_AGAIN.conform(pairs), reason=reason, now=self._run.now)

    def _with_links(self) -> pd.DataFrame:
        """Return the pairs with who their clients are by now."""
        links = self._wiring.ledger.person_links(set(self._pairs["client_id"])).set_index("client_id")
        clients = self._pairs["client_id"]
        return self._pairs.assign(
            person_ref=clients.map(links["record_id"]).astype(TEXT),
            who_id=clients.map(links["who_id"]).astype(TEXT),
        )


def member_load(action: Action, members: pd.DataFrame, *, settings: Settings) -> Load:
    """Return the load of the memberships (contract ``MEMBERS``) that are to be created or updated."""
    if action is Action.UPDATE:
        return _changed(members, settings)
    prefix = members["who_id"].str.slice(stop=3)
    people = {name: members["who_id"].where(prefix.eq(key)) for key, name in FIELD_OF_PREFIX.items()}
    rows = members.assign(CampaignId=members["campaign_id"], Status=members["member_status"], **people)
    return Load(
        step=ADD_MEMBERS,
        chunk=0,
        sobject=MEMBER_SOBJECT,
        operation="insert",
        rows=rows.assign(**{_KEY: _keys(rows)}),
        columns=(*MEMBER_KEY_FIELDS, "Status"),
        key_column=_KEY,
        api=choose_api(settings.load_api, len(rows)),
        # Safe to send again: with the person it is unique, though no single field is.
        external_id_field=MEMBER_KEY_FIELDS[0],
        parent_column=MEMBER_KEY_FIELDS[0],
    )


def _changed(members: pd.DataFrame, settings: Settings) -> Load:
    rows = members.assign(Id=members["member_id"], Status=members["member_status"])
    return Load(
        step=UPDATE_MEMBERS,
        chunk=0,
        sobject=MEMBER_SOBJECT,
        operation="update",
        rows=rows,
        columns=("Id", "Status"),
        key_column="Id",
        api=choose_api(settings.load_api, len(rows)),
        parent_column="campaign_id",
    )


def _keys(members: pd.DataFrame) -> pd.Series[str]:
    """Return what names each membership: its campaign and its person."""
    return members["campaign_id"] + ":" + members["who_id"]


def _counts(
    members: pd.DataFrame, *, created: Collection[str], updated: Collection[str], missing: int
) -> dict[str, object]:
    """Return what became of every person and campaign of the run, in figures and in words (rule Q3)."""
    notes = members["note"].value_counts()
    by_note = {str(note): int(number) for note, number in notes.items()}
    if missing:
        by_note[str(CampaignNote.PERSON_MISSING)] = missing
    is_written = members[_KEY].isin({*created, *updated})
    noted = int((members["note"].notna() & ~is_written).sum()) + missing
    read, written = len(members) + missing, int(is_written.sum())
    unchanged = read - written - noted
    return {
        "members_created": len(created),
        "members_updated": len(updated),
        "members": f"read {read} = {written} written + {unchanged} unchanged + {noted} noted",
        **({"members_noted": by_note} if by_note else {}),
    }
