"""Find the campaigns of a run's bookings, and plan who becomes a member (rule M13).

``match_people`` reads what org and ledger know, ``check_frames`` plans once it is known which pairs are written, and
``load_people`` carries the plan out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.frames import (
    ASKED_MEMBERS,
    BOOKINGS,
    CAMPAIGN_BOOKINGS,
    CAMPAIGN_CHOICES,
    CAMPAIGN_PAIRS,
    CAMPAIGN_STATUSES,
    MEMBERS,
    MEMBERSHIPS,
    RESOLVED_PAIRS,
    TEXT,
    TOUCHED_CAMPAIGNS,
)
from include.mapping.campaigns import campaign_pairs, choose_campaigns
from include.mapping.members import (
    CampaignFacts,
    counted_bookings,
    noted_members,
    plan_members,
    touched_by,
    with_people,
)
from include.pipeline.artifacts import (
    BOOKINGS_NAME,
    CHECK,
    EXTRACT,
    MATCH,
    Manifest,
    chunk_name,
    read_chunk,
    read_decisions,
)
from include.pipeline.campaign_reading import CampaignReader
from include.pipeline.context import SyncRun, Wiring
from include.reasons import Action, CampaignNote

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

    from include.matching.decide import Decisions
    from include.settings.model import Settings

PAIRS_NAME: Final = "campaign_pairs"
TOUCHED_NAME: Final = "touched_campaigns"
MEMBERS_NAME: Final = "members"
_CHOICES_NAME: Final = "campaign_choices"
_KNOWN_NAME: Final = "campaign_bookings"
_STATUSES_NAME: Final = "campaign_statuses"
MEMBERSHIPS_NAME: Final = "memberships"
_ASKED_NAME: Final = "asked_members"
_RIGHTS_NAME: Final = "campaign_rights"


@dataclass(frozen=True, slots=True)
class _Found:
    """What org and ledger know: contracts ``CAMPAIGN_CHOICES`` and ``CAMPAIGN_BOOKINGS``, and the facts."""

    choices: pd.DataFrame
    known: pd.DataFrame
    facts: CampaignFacts


def find_campaigns(
    run: SyncRun, wiring: Wiring, decisions: Decisions, *, manifest: Manifest, settings: Settings
) -> None:
    """Stage what org and ledger know of the campaigns that bookings name; where none is named, nobody is asked.

    On the legacy integration no booking names one: there are no memberships (rule G1).
    """
    pairs = _stage_pairs(run, wiring, manifest, settings)
    found = _nothing() if pairs.empty else _ask(wiring, pairs, decisions)
    staging, facts = wiring.staging, found.facts
    for name, frame in (
        (_CHOICES_NAME, found.choices),
        (_KNOWN_NAME, found.known),
        (_STATUSES_NAME, facts.statuses),
        (MEMBERSHIPS_NAME, facts.memberships),
        (_ASKED_NAME, facts.asked),
    ):
        staging.write_frame(run.run_id, MATCH, name, frame)
    rights = {"may_write": facts.may_write, "may_read_statuses": facts.may_read_statuses}
    staging.write_json(run.run_id, MATCH, _RIGHTS_NAME, rights)


def read_campaign_pairs(run: SyncRun, wiring: Wiring, chunk: int) -> pd.DataFrame:
    """Return one chunk's pairs that ask for a campaign, or did before (contract ``CAMPAIGN_PAIRS``)."""
    return read_chunk(run, wiring, MATCH, PAIRS_NAME, chunk, CAMPAIGN_PAIRS)


def plan_campaigns(
    run: SyncRun, wiring: Wiring, counting: Sequence[pd.DataFrame], settings: Settings
) -> dict[str, int]:
    """Stage the plan of memberships and return what it counts; nothing where no booking counts towards a campaign.

    Args:
        run: the run.
        wiring: its adapters.
        counting: the pairs that settle (contract ``CAMPAIGN_PAIRS``), chunk by chunk.
        settings: the settings in force.
    """
    import pandas as pd

    pairs, touched, members = RESOLVED_PAIRS.empty(), TOUCHED_CAMPAIGNS.empty(), MEMBERS.empty()
    if any(len(chunk) for chunk in counting):
        known = wiring.staging.read_frame(run.run_id, MATCH, _KNOWN_NAME, CAMPAIGN_BOOKINGS)
        pairs = _resolved(run, wiring, pd.concat(counting, ignore_index=True), known)
        touched = touched_by(pairs, known)
        planned = plan_members(
            counted_bookings(known, pairs),
            touched,
            read_facts(run, wiring),
            settings.campaign_member_statuses,
        )
        members = pd.concat([planned, noted_members(pairs)], ignore_index=True)
    for name, frame in ((PAIRS_NAME, pairs), (TOUCHED_NAME, touched), (MEMBERS_NAME, members)):
        wiring.staging.write_frame(run.run_id, CHECK, name, frame)
    return _counts(members)


def read_facts(run: SyncRun, wiring: Wiring) -> CampaignFacts:
    """Return what org and ledger knew when ``match_people`` asked them."""
    staging, run_id = wiring.staging, run.run_id
    rights = staging.read_json(run_id, MATCH, _RIGHTS_NAME)
    return CampaignFacts(
        statuses=staging.read_frame(run_id, MATCH, _STATUSES_NAME, CAMPAIGN_STATUSES),
        memberships=staging.read_frame(run_id, MATCH, MEMBERSHIPS_NAME, MEMBERSHIPS),
        asked=staging.read_frame(run_id, MATCH, _ASKED_NAME, ASKED_MEMBERS),
        may_write=rights["may_write"],
        may_read_statuses=rights["may_read_statuses"],
    )


def read_asked(wiring: Wiring, who_ids: Collection[str]) -> pd.DataFrame:
    """Return what Coconut last asked of these people's memberships (contract ``ASKED_MEMBERS``)."""
    members = wiring.ledger.campaign_members(who_ids)
    return ASKED_MEMBERS.conform(
        members[members["member_id"].notna()].rename(
            columns={"record_id": "who_id", "member_status": "asked_status"}
        )
    )


def _stage_pairs(run: SyncRun, wiring: Wiring, manifest: Manifest, settings: Settings) -> pd.DataFrame:
    """Stage each chunk's pairs that ask for a campaign, or did before, and return all of them."""
    import pandas as pd

    all_pairs = [CAMPAIGN_PAIRS.empty()]
    for chunk in range(manifest.chunks):
        pairs = campaign_pairs(read_chunk(run, wiring, EXTRACT, BOOKINGS_NAME, chunk, BOOKINGS), settings)
        known = wiring.ledger.campaign_bookings_of_pairs(pairs["booking_key"])
        asks = (pairs["campaign"].notna() & ~pairs["is_gone"]) | pairs["booking_key"].isin(
            known["booking_key"]
        )
        asks &= not manifest.is_legacy
        wiring.staging.write_frame(run.run_id, MATCH, chunk_name(PAIRS_NAME, chunk), pairs[asks])
        all_pairs.append(pairs[asks])
    return pd.concat(all_pairs, ignore_index=True)


def _nothing() -> _Found:
    facts = CampaignFacts(
        statuses=CAMPAIGN_STATUSES.empty(),
        memberships=MEMBERSHIPS.empty(),
        asked=ASKED_MEMBERS.empty(),
        may_write=True,
        may_read_statuses=True,
    )
    return _Found(CAMPAIGN_CHOICES.empty(), CAMPAIGN_BOOKINGS.empty(), facts)


def _ask(wiring: Wiring, pairs: pd.DataFrame, decisions: Decisions) -> _Found:
    made, forwards = decisions.decisions, decisions.forwards
    of_pairs = made[made["client_id"].isin(pairs["client_id"])]
    records = set(of_pairs["record_id"].dropna()) | set(forwards["old_id"])
    known = with_people(wiring.ledger.campaign_bookings(set(pairs["client_id"]), records), made, forwards)
    reader = CampaignReader(wiring.salesforce)
    choices = _choices(reader, pairs.loc[~pairs["is_gone"], "campaign"].dropna().drop_duplicates())
    ids = set(choices["campaign_id"].dropna()) | set(known["campaign_id"])
    who_ids = set(of_pairs["who_id"].dropna()) | set(known["who_id"].dropna())
    may_write, may_read_statuses = reader.may_write_members, reader.may_read_statuses
    facts = CampaignFacts(
        statuses=reader.statuses(ids) if may_read_statuses else CAMPAIGN_STATUSES.empty(),
        memberships=reader.memberships(ids, who_ids) if may_write else MEMBERSHIPS.empty(),
        asked=_asked_before(wiring, who_ids, forwards),
        may_write=may_write,
        may_read_statuses=may_read_statuses,
    )
    return _Found(choices, CAMPAIGN_BOOKINGS.conform(known), facts)


def _choices(reader: CampaignReader, names: pd.Series[str]) -> pd.DataFrame:
    if names.empty:
        return CAMPAIGN_CHOICES.empty()
    if not reader.may_read_campaigns:
        unseen = names.to_frame("campaign").assign(campaign_id=None, note=str(CampaignNote.NOT_PERMITTED))
        return CAMPAIGN_CHOICES.conform(unseen)
    return choose_campaigns(names, reader.campaigns(names))


def _asked_before(wiring: Wiring, who_ids: Collection[str], forwards: pd.DataFrame) -> pd.DataFrame:
    """Return what was asked of these people, also under the Ids that they had before; the ledger follows later."""
    asked = read_asked(wiring, {*who_ids, *forwards["old_id"]})
    followed = asked["who_id"].map(forwards.set_index("old_id")["new_id"]).astype(TEXT)
    asked = asked.assign(who_id=followed.fillna(asked["who_id"]), is_followed=followed.notna())
    newest = asked.sort_values("is_followed", kind="stable").drop_duplicates(["campaign_id", "who_id"])
    return ASKED_MEMBERS.conform(newest)


def _resolved(run: SyncRun, wiring: Wiring, pairs: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    choices = wiring.staging.read_frame(run.run_id, MATCH, _CHOICES_NAME, CAMPAIGN_CHOICES)
    resolved = pairs.merge(choices, how="left", on="campaign")
    decisions = read_decisions(run, wiring).set_index("client_id")[["person_ref", "who_id"]]
    resolved = resolved.join(decisions, on="client_id")
    return RESOLVED_PAIRS.conform(
        resolved.assign(
            campaign_id=resolved["campaign_id"].mask(resolved["is_gone"]),
            was_counted=resolved["booking_key"].isin(known["booking_key"]),
        )
    )


def _counts(members: pd.DataFrame) -> dict[str, int]:
    if members.empty:
        return {}
    return {
        "members_to_create": int(members["action"].eq(Action.CREATE).sum()),
        "members_to_update": int(members["action"].eq(Action.UPDATE).sum()),
        "members_noted": int(members["note"].notna().sum()),
    }
