"""Who has to exist in Salesforce after a run, and so is created by it (design §2, rules T3, S13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.mapping.person_drafts import INSERT
from include.pipeline.artifacts import (
    Manifest,
    read_asked_clients,
    read_checked_events,
    read_checked_people,
    read_decisions,
)

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring


def needed_people(run: SyncRun, wiring: Wiring, manifest: Manifest) -> pd.DataFrame:
    """Return the people (contract ``PEOPLE``) to load: all that are to be updated, and the new ones that are needed.

    Needed is whom a pair needs, and who was asked for by themselves. A person whom only quarantined or held pairs need
    is not created.
    """
    refs: set[str] = set()
    for chunk in range(manifest.chunks):
        events = read_checked_events(run, wiring, chunk)
        refs.update(events.loc[events["needs_person"], "person_ref"].dropna())
    decisions = read_decisions(run, wiring)
    is_asked = decisions["client_id"].isin(read_asked_clients(run, wiring))
    refs.update(decisions.loc[is_asked, "person_ref"].dropna())
    people = read_checked_people(run, wiring)
    is_due = people["operation"].ne(INSERT) | people["person_ref"].isin(refs)
    return people[people["outcome"].isna() & is_due].reset_index(drop=True)
