"""Ask ledger and org for what a decision rests on, and decide; afresh where a person asked for it (rules M1, M4)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from include.matching.choose import NEW_SOBJECT
from include.matching.decide import CREATE, Decisions, decide
from include.matching.evidence import Evidence, identities
from include.matching.lookups import Lookups, next_lookups
from include.pipeline.candidates import find_candidates
from include.pipeline.phone_index import PhoneIndex

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.repository import SettingsVersion
    from include.pipeline.context import Wiring


def decide_people(
    wiring: Wiring, clients: pd.DataFrame, settings: SettingsVersion, *, rematched: Collection[str]
) -> Decisions:
    """Return who each client is.

    Args:
        wiring: the task's adapters.
        clients: contract ``CLIENTS``.
        settings: the settings in force.
        rematched: clients whose kept links and claims are not heard. An administrator's choice and the Id that Coconut
            holds are. Whom nobody in the org is then found to be stays on the record that we created for them, if it is
            of the kind that a new one would be: a second one would be nobody else (rule M8).
    """
    import pandas as pd

    links = wiring.ledger.person_links(clients["client_id"])
    named = identities(clients, settings.settings)
    claims = wiring.ledger.person_claims(named["identity"])
    if not rematched:
        return _decide(wiring, clients, settings, links=links, claims=claims)
    is_chosen = links["evidence"] == Evidence.ADMIN_CHOICE
    links = links[is_chosen | ~links["client_id"].isin(rematched)]
    silenced = named.loc[named["client_id"].isin(rematched), "identity"]
    heard = claims[~claims["identity"].isin(silenced)]
    decisions = _decide(wiring, clients, settings, links=links, claims=heard)
    unfound = decisions.decisions.loc[decisions.decisions["action"] == CREATE, "identities"]
    is_own = claims["identity"].isin(unfound.str.split(" ").explode())
    own = claims[is_own & claims["sobject"].eq(NEW_SOBJECT[settings.settings.entity_type])]
    if own.empty:
        return decisions
    both = pd.concat([heard, own]).drop_duplicates("identity")
    return _decide(wiring, clients, settings, links=links, claims=both)


def _decide(
    wiring: Wiring,
    clients: pd.DataFrame,
    settings: SettingsVersion,
    *,
    links: pd.DataFrame,
    claims: pd.DataFrame,
) -> Decisions:
    def wanted(candidates: pd.DataFrame, done: Lookups) -> Lookups:
        return next_lookups(
            clients, links, claims=claims, candidates=candidates, settings=settings.settings, done=done
        )

    phones = PhoneIndex(wiring.salesforce, wiring.ledger, region=settings.settings.default_phone_region)
    return decide(
        clients,
        links,
        claims=claims,
        candidates=find_candidates(wiring.salesforce, wanted, find_phones=phones.find),
        settings=settings.settings,
        settings_version=settings.version,
    )
