"""What Salesforce users do between two runs, which the next run has to live with."""

from __future__ import annotations

from collections.abc import Mapping

from include.demo.org_reader import API, TIMEOUT_SECONDS, OrgState, sign_in


def work_in_salesforce(org: Mapping[str, str], state: OrgState) -> str:
    """Convert a Lead that the sync created, and give one Event to another User; return both in words."""
    session = sign_in(org)
    ours = [event for event in state.by_key().values() if event.who_id in state.people]
    converted = next(event.who_id for event in ours if event.who_id and state.people[event.who_id].key)
    session.post(
        f"{org['url']}/__emulator__/convert", json={"lead_id": converted}, timeout=TIMEOUT_SECONDS
    ).raise_for_status()
    given_away = next(event for event in ours if event.who_id != converted)
    users = sorted(user for same_email in state.users_by_email.values() for user in same_email)
    owner = next(user for user in users if user != given_away.owner_id)
    session.patch(
        f"{org['url']}{API}/sobjects/Event/{given_away.id}", json={"OwnerId": owner}, timeout=TIMEOUT_SECONDS
    ).raise_for_status()
    return f"Lead {converted} was converted, and Event {given_away.id} was given to another owner"
