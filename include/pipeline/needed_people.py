"""Who has to exist in Salesforce after a run, and so is created by it (design §2, rules T3, S13).

``check_frames`` decides it once, so that plan, guard and load are about the same people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.frames import NEW_ACCOUNTS, PEOPLE
from include.mapping.person_drafts import INSERT
from include.pipeline.artifacts import (
    ACCOUNTS_NAME,
    CHECK,
    MAP_PEOPLE,
    read_asked_clients,
    read_decisions,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring

_PEOPLE_NAME: Final = "needed_people"
_ACCOUNTS_NAME: Final = "needed_accounts"


def refs_needed_by(events: pd.DataFrame) -> frozenset[str]:
    """Return the people (``person_ref``) whom these pairs (contract ``EVENTS``, checked) need."""
    return frozenset(events.loc[events["needs_person"], "person_ref"].dropna().tolist())


def stage_needed(
    run: SyncRun, wiring: Wiring, people: pd.DataFrame, *, needed_by_pairs: Collection[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stage and return the people to load (contract ``PEOPLE``), and the new Accounts that they belong to.

    All that are to be updated are loaded, and the new ones that are needed: whom a pair needs, and who was asked for by
    themselves. A person whom only quarantined or held pairs need is not created.

    Args:
        run: the run.
        wiring: its adapters.
        people: contract ``PEOPLE``, checked.
        needed_by_pairs: what ``refs_needed_by`` says of all chunks.

    Returns:
        Contracts ``PEOPLE`` and ``NEW_ACCOUNTS``.
    """
    decisions = read_decisions(run, wiring)
    is_asked = decisions["client_id"].isin(read_asked_clients(run, wiring))
    refs = {*needed_by_pairs, *decisions.loc[is_asked, "person_ref"].dropna()}
    is_due = people["operation"].ne(INSERT) | people["person_ref"].isin(refs)
    needed = people[people["outcome"].isna() & is_due].reset_index(drop=True)
    mapped = wiring.staging.read_frame(run.run_id, MAP_PEOPLE, ACCOUNTS_NAME, NEW_ACCOUNTS)
    belong = needed.loc[needed["operation"].eq(INSERT), "account_ref"]
    accounts = mapped[mapped["outcome"].isna() & mapped["account_ref"].isin(belong)].reset_index(drop=True)
    wiring.staging.write_frame(run.run_id, CHECK, _PEOPLE_NAME, needed)
    wiring.staging.write_frame(run.run_id, CHECK, _ACCOUNTS_NAME, accounts)
    return needed, accounts


def read_needed_people(run: SyncRun, wiring: Wiring) -> pd.DataFrame:
    """Return the people to load (contract ``PEOPLE``)."""
    return wiring.staging.read_frame(run.run_id, CHECK, _PEOPLE_NAME, PEOPLE)


def read_needed_accounts(run: SyncRun, wiring: Wiring) -> pd.DataFrame:
    """Return the Accounts to create before the people to load (contract ``NEW_ACCOUNTS``)."""
    return wiring.staging.read_frame(run.run_id, CHECK, _ACCOUNTS_NAME, NEW_ACCOUNTS)
