"""What the org has to be asked before clients can be decided on; the pipeline does the asking (rules M1, M2, M7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from include.matching.evidence import Evidence, identities, step_keys, steps_of
from include.matching.follow import USABLE, follow_records, ids_to_follow
from include.matching.known import known_records
from include.matching.normalise import normalise_email, salesforce_id_18, sobject_of
from include.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Lookups:
    """Values to find in the org, deleted records included (queryAll).

    ``record_ids`` by sObject (18 characters); ``emails`` among Leads and Contacts; ``phones`` as normalised digits, to
    be found through an index of normalised phones; ``client_keys`` in ``Coconut_Client_Key__c`` of all three sObjects.
    """

    record_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    client_keys: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether anything is to be found."""
        return any(self.record_ids.values()) or bool(self.emails or self.phones or self.client_keys)

    def __or__(self, other: Lookups) -> Lookups:
        """Return both together."""
        return Lookups(
            record_ids={
                sobject: self.record_ids.get(sobject, frozenset())
                | other.record_ids.get(sobject, frozenset())
                for sobject in sorted({*self.record_ids, *other.record_ids})
            },
            emails=self.emails | other.emails,
            phones=self.phones | other.phones,
            client_keys=self.client_keys | other.client_keys,
        )

    def __sub__(self, other: Lookups) -> Lookups:
        """Return what ``other`` does not hold; sObjects of which nothing is left are gone."""
        left = {
            sobject: ids - other.record_ids.get(sobject, frozenset())
            for sobject, ids in self.record_ids.items()
        }
        return Lookups(
            record_ids={sobject: ids for sobject, ids in left.items() if ids},
            emails=self.emails - other.emails,
            phones=self.phones - other.phones,
            client_keys=self.client_keys - other.client_keys,
        )


def next_lookups(
    clients: pd.DataFrame,
    links: pd.DataFrame,
    *,
    claims: pd.DataFrame,
    candidates: pd.DataFrame,
    settings: Settings,
    done: Lookups,
) -> Lookups:
    """Return what is still to be read before ``decide`` knows enough; false when nothing is.

    Called in turns: ``done`` holds what was asked so far (found or not), ``candidates`` what was found. First come the
    records that links, claims and Coconut name, and those they were converted or merged into; our key where a claim
    names no record, or none that can be used; then, only for clients whom none of these places, the values that the
    algorithm compares. A decision needs no more than this, so that a run over known people asks the org for nothing but
    their Ids.
    """
    claims = claims[~claims["is_retired"]]
    ids = pd.concat([links["record_id"], claims["record_id"], _source_ids(clients)])
    has_record = claims["record_id"].notna()
    named = Lookups(
        record_ids=ids_by_sobject(ids.dropna().drop_duplicates()),
        client_keys=_keys_without(claims, has_record),
    )
    led_to = Lookups(record_ids=ids_by_sobject(pd.Series(sorted(ids_to_follow(candidates)), dtype="str")))
    missing = (named | led_to) - done
    if missing:
        return missing
    records = follow_records(candidates)
    has_person = claims["record_id"].isin(records.index[records["fate"].isin(USABLE)])
    missing = Lookups(client_keys=_keys_without(claims, has_person)) - done
    if missing:
        return missing
    known = known_records(
        clients,
        links,
        claims=claims,
        candidates=candidates,
        records=records,
        identities=identities(clients, settings),
    ).clients
    is_unplaced = known["is_active"] & known["asked_id"].isna()
    is_asked = is_unplaced.groupby(known["person_group"]).transform("any")
    return _compared_values(clients[is_asked.to_numpy()], settings) - done


def _keys_without(claims: pd.DataFrame, is_served: pd.Series[bool]) -> frozenset[str]:
    """Return the keys none of whose claims is served."""
    return frozenset(claims["claim_key"].tolist()).difference(claims.loc[is_served, "claim_key"].tolist())


def ids_by_sobject(record_ids: pd.Series[str]) -> dict[str, frozenset[str]]:
    """Return record Ids (18 characters) by the sObject that their prefix names; those of other objects are left out."""
    sobjects = sobject_of(record_ids)
    return {
        str(sobject): frozenset(ids.tolist())
        for sobject, ids in record_ids.groupby(sobjects.to_numpy(), sort=True)
    }


def _source_ids(clients: pd.DataFrame) -> pd.Series[str]:
    return salesforce_id_18(clients.loc[~(clients["is_deleted"] | clients["sync_disabled"]), "salesforce_id"])


def _compared_values(clients: pd.DataFrame, settings: Settings) -> Lookups:
    found = Lookups()
    for step in steps_of(settings):
        keys = step_keys(clients, step, settings)
        if step is Evidence.PHONE:
            found |= Lookups(phones=frozenset(keys.dropna().tolist()))
        else:
            found |= Lookups(emails=_email_spellings(clients.loc[keys.notna(), "email"]))
    return found


def _email_spellings(emails: pd.Series[str]) -> frozenset[str]:
    """Return lower-case, own and normalised spellings.

    SOQL compares without case; the own spelling matters where lower case and NFKC change more than that.
    """
    normalised = normalise_email(emails)
    own = emails.str.strip()
    beyond_ascii = own[normalised.ne(own.str.lower())]
    return frozenset([*own.str.lower(), *beyond_ascii, *normalised.dropna()])
