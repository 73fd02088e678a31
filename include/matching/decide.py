"""Which Salesforce record each client is: evidence, algorithm, entity type, one group one person (rules M1-M9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from include.frames import DECISIONS
from include.matching.choose import NEW_SOBJECT, agreeing_records, choose
from include.matching.evidence import CLIENT_ITSELF, Evidence, identities, steps_of
from include.matching.explain import explanations
from include.matching.follow import Fate, follow_records
from include.matching.group import client_order
from include.matching.known import OPEN_CLAIM, known_records
from include.matching.texts import join_texts
from include.reasons import Reason
from include.settings.model import InsufficientEvidence, Settings, Switch

LINK: Final = "link"
CREATE: Final = "create"
HOLD: Final = "hold"
NONE: Final = "none"

NEW_PERSON: Final = "new:"
"""What a person reference begins with until the person has an Id; the client whose values are written follows."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided about a frame of clients.

    ``decisions`` follows ``frames.DECISIONS``, one row per client; its action is link, create, hold, or none (a deleted
    or disabled client without a link). ``forwards`` says what became of Ids of converted and merged records (rule M7):
    ``old_id``, ``new_id`` (what an Event points at now) and ``new_record_id`` (the person's record: the Account of a
    Person Account). ``retired_claims`` are claim keys that a deleted or converted record holds for ever, so that no new
    record can take them (rule M8).
    """

    decisions: pd.DataFrame
    forwards: pd.DataFrame
    retired_claims: tuple[str, ...]


def decide(
    clients: pd.DataFrame,
    links: pd.DataFrame,
    *,
    claims: pd.DataFrame,
    candidates: pd.DataFrame,
    settings: Settings,
    settings_version: int,
) -> Decisions:
    """Return the decision about every client, and what follows from it.

    Args:
        clients: ``frames.CLIENTS``, one row per client.
        links: ``frames.PERSON_LINKS`` of these clients.
        claims: ``frames.PERSON_CLAIMS`` of ``identities(clients)``.
        candidates: ``frames.CANDIDATES``: all that ``next_lookups`` asked for and the org had. A record that is not
            among them does not exist.
        settings: the settings in force.
        settings_version: their version, kept in every explanation.
    """
    clients = clients.reset_index(drop=True)
    candidates = candidates.drop_duplicates("record_id")
    records = follow_records(candidates)
    named = identities(clients, settings)
    known = known_records(
        clients, links, claims=claims, candidates=candidates, records=records, identities=named
    )
    rows = _with_choices(known.clients, clients, candidates=candidates, records=records, settings=settings)
    rows = _with_actions(rows, named, settings)
    rows = _with_records(rows, records, settings)
    rows = rows.merge(_identities_of_groups(named, rows), how="left", on="person_group")
    rows["explanation"] = explanations(rows, settings=settings, settings_version=settings_version)
    return Decisions(DECISIONS.conform(rows), _forwards(records, links), known.retired_claims)


def _with_choices(
    rows: pd.DataFrame,
    clients: pd.DataFrame,
    *,
    candidates: pd.DataFrame,
    records: pd.DataFrame,
    settings: Settings,
) -> pd.DataFrame:
    """Let the algorithm speak for the active clients of whom nothing is known, group by group."""
    is_asked = rows["is_active"] & rows["asked_id"].isna()
    is_matched = is_asked.groupby(rows["person_group"]).transform("any")
    agreeing = agreeing_records(
        clients[is_matched], rows[is_matched], candidates=candidates, records=records, settings=settings
    )
    rows = rows.merge(choose(agreeing, settings), how="left", left_on="person_group", right_index=True)
    chosen = ["step", "found_id", "is_ambiguous", "equals", "candidates_total", "candidates"]
    rows[chosen] = rows.loc[is_asked, chosen].reindex(rows.index)
    names = pd.Series([step.value for step in steps_of(settings)], dtype="str")
    by_step = names.reindex(rows["step"].fillna(-1).astype("int64")).set_axis(rows.index)
    rows["evidence"] = rows["evidence"].fillna(by_step.where(rows["found_id"].notna()))
    rows["asked_id"] = rows["asked_id"].fillna(rows["found_id"])
    return rows


def _with_actions(rows: pd.DataFrame, named: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Add ``action`` and ``reason``; the first that applies."""
    number_of_identities = named.groupby("client_id")["identity"].size()
    lacks_evidence = rows["client_id"].map(number_of_identities).eq(1)
    is_held_for_evidence = lacks_evidence & (settings.insufficient_evidence is InsufficientEvidence.HOLD)
    is_registration_off = settings.register_people is Switch.OFF
    cases: list[tuple[pd.Series[bool], str, str | None]] = [
        (rows["asked_id"].notna(), LINK, None),
        (~rows["is_active"], NONE, Reason.CLIENT_DISABLED.value),
        (rows["is_ambiguous"].eq(True), HOLD, Reason.AMBIGUOUS_MATCH.value),
        (is_held_for_evidence, HOLD, Reason.INSUFFICIENT_EVIDENCE.value),
        (rows["asked_id"].isna() & is_registration_off, HOLD, Reason.REGISTRATION_OFF.value),
    ]
    conditions = [condition.to_numpy(dtype=bool) for condition, _, _ in cases]
    case = np.select(conditions, range(len(cases)), len(cases))
    rows["action"] = (
        pd.Series([action for _, action, _ in cases] + [CREATE], dtype="str").take(case).to_numpy()
    )
    rows["reason"] = pd.Series([reason for *_, reason in cases] + [None], dtype="str").take(case).to_numpy()
    is_deleted = rows["action"].eq(NONE) & rows["is_deleted"]
    rows["reason"] = rows["reason"].mask(is_deleted, Reason.CLIENT_DELETED.value)
    rows["lacks_evidence"] = lacks_evidence
    return rows


def _with_records(rows: pd.DataFrame, records: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Add the record of every link, and the reference of every person."""
    people = records.reindex(pd.Index(rows["asked_id"])).set_axis(rows.index)
    is_new = rows["action"].eq(CREATE)
    rows["record_id"] = people["target_id"]
    rows["who_id"] = people["who_id"]
    rows["sobject"] = people["sobject"].mask(is_new, NEW_SOBJECT[settings.entity_type])
    rows["followed_from"] = rows["asked_id"].where(people["fate"].eq(Fate.FOLLOWED.value))
    rows["evidence"] = rows["evidence"].mask(is_new, Evidence.NEW.value)
    is_to_be_used = rows["claim_fate"].eq(OPEN_CLAIM) & is_new
    claimed = records["target_id"].reindex(pd.Index(rows["claim_id"])).set_axis(rows.index)
    is_used = claimed.notna() & claimed.eq(rows["record_id"])
    rows["heard_claim"] = rows["claim_key"]
    rows["claim_key"] = rows["claim_key"].where(is_to_be_used | is_used)
    created = rows[is_new].assign(order=client_order(rows.loc[is_new, "client_id"])).sort_values("order")
    first = created.drop_duplicates("person_group").set_index("person_group")["client_id"]
    reference = NEW_PERSON + rows["person_group"].map(first).astype("str")
    rows["person_ref"] = rows["record_id"].mask(is_new, reference)
    return rows


def _identities_of_groups(named: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``person_group``, ``identity`` (the smallest, of evidence if there is any) and ``identities``."""
    of_groups = named.merge(rows[["client_id", "person_group"]], on="client_id")
    of_groups = of_groups.drop_duplicates(["person_group", "identity"])
    of_groups = of_groups.assign(is_row=of_groups["step"].eq(CLIENT_ITSELF))
    of_groups = of_groups.sort_values(["person_group", "is_row", "identity"])
    joined = join_texts(of_groups["person_group"], of_groups["identity"]).rename("identities")
    smallest = of_groups.groupby("person_group")["identity"].first()
    return pd.DataFrame({"identity": smallest, "identities": joined}).reset_index(names="person_group")


def _forwards(records: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return the moves of record Ids, and of the Contacts of merged Person Accounts, which only the links may name."""
    followed = records[records["fate"].eq(Fate.FOLLOWED.value)].rename_axis("record_id").reset_index()
    followed = followed.rename(columns={"who_id": "new_id", "target_id": "new_record_id"})
    of_links = links[["record_id", "who_id"]].merge(followed, on="record_id")
    moves = pd.concat(
        [followed.rename(columns={"record_id": "old_id"}), of_links.rename(columns={"who_id": "old_id"})]
    )
    moves = moves[["old_id", "new_id", "new_record_id"]].dropna(subset=["old_id"]).astype("str")
    moves = moves[moves["old_id"] != moves["new_id"]].drop_duplicates("old_id")
    return moves.sort_values("old_id").reset_index(drop=True)
