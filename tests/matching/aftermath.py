"""What stands in Salesforce and in the ledger once decisions were carried out, told row by row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tests.matching.decided_worlds import Case
from tests.matching.reference import Verdict, World
from tests.matching.worlds import record_id

LATER = datetime(2026, 6, 1, tzinfo=UTC)
FIRST_NEW_PLACE = 50


@dataclass(frozen=True)
class Aftermath:
    """The worlds afterwards, and the Id of the record that each reference of a new person became."""

    worlds: list[World]
    created: dict[str, str]


def aftermath(case: Case) -> Aftermath:
    """Return what stands after everybody was linked, followed or created."""
    verdicts = case.verdicts
    forwards = case.decisions.forwards.set_index("old_id")[["new_id", "new_record_id"]].to_dict("index")
    retired = set(case.decisions.retired_claims)
    created: dict[str, str] = {}
    worlds = [
        _carry_out(world, verdicts, forwards=forwards, retired=retired, created=created)
        for world in case.worlds
    ]
    return Aftermath(worlds, created)


def _carry_out(
    world: World,
    verdicts: dict[str, Verdict],
    *,
    forwards: dict[str, dict[str, str]],
    retired: set[str],
    created: dict[str, str],
) -> World:
    after = World(
        clients=world.clients,
        records=list(world.records),
        links=[_followed(link, forwards) for link in world.links],
        claims=[
            {**claim, "is_retired": claim["is_retired"] or claim["claim_key"] in retired}
            for claim in world.claims
        ],
    )
    new: dict[str, dict[str, object]] = {}
    for client in world.clients:
        verdict = verdicts[str(client["client_id"])]
        if verdict.action == "create":
            reference = str(verdict.person_ref)
            if reference not in new:
                new[reference] = _create(after, verdict, place=FIRST_NEW_PLACE + len(new))
            record = new[reference]
            created[reference] = str(record["record_id"])
            who = record.get("person_contact_id") or record["record_id"]
            _link(after, client, record["record_id"], who=who, evidence="new")
        elif verdict.action == "link" and verdict.evidence != "kept_link":
            _link(after, client, verdict.record_id, who=verdict.who_id, evidence=verdict.evidence)
    return after


def _followed(link: dict[str, object], forwards: dict[str, dict[str, str]]) -> dict[str, object]:
    record = forwards.get(str(link["record_id"]), {}).get("new_record_id", link["record_id"])
    who = forwards.get(str(link["who_id"]), {}).get("new_id", link["who_id"])
    return {**link, "record_id": record, "who_id": who}


def _link(world: World, client: dict[str, object], record: object, *, who: object, evidence: object) -> None:
    """Link a client; what an administrator chose yields only to another choice."""
    old = next((link for link in world.links if link["client_id"] == client["client_id"]), None)
    if old is not None and old["evidence"] == "admin_choice" and evidence != "admin_choice":
        return
    world.links = [link for link in world.links if link is not old]
    world.links.append(
        {"client_id": client["client_id"], "record_id": record, "who_id": who, "evidence": evidence}
    )


def _create(world: World, verdict: Verdict, *, place: int) -> dict[str, object]:
    """Insert the person under the key of its claim, and note the claim for each of its identities."""
    client_id = str(verdict.person_ref).removeprefix("new:")
    client = next(one for one in world.clients if one["client_id"] == client_id)
    kind, number = str(verdict.sobject), int(client_id) // 100
    values = {name: client[name] for name in ("first_name", "last_name", "email", "phone", "country")}
    record = {
        "sobject": kind,
        "record_id": record_id(kind, number, place),
        **values,
        "client_key": verdict.claim_key or f"fresh-{client_id}",
        "created_at": LATER,
        "modified_at": LATER,
    }
    world.records.append(record)
    if kind == "Account":
        contact_id = record_id("Contact", number, place)
        record.update(is_person_account=True, person_contact_id=contact_id)
        contact = {**record, "sobject": "Contact", "record_id": contact_id, "account_id": record["record_id"]}
        world.records.append({**contact, "client_key": None, "person_contact_id": None})
    for claim in world.claims:
        if claim["claim_key"] == record["client_key"]:
            claim["record_id"] = record["record_id"]
    claimed = {claim["identity"] for claim in world.claims if not claim["is_retired"]}
    world.claims = [
        claim
        for claim in world.claims
        if claim["identity"] in claimed or claim["identity"] not in verdict.identities
    ]
    world.claims += [
        {
            "identity": identity,
            "claim_key": record["client_key"],
            "record_id": record["record_id"],
            "is_retired": False,
        }
        for identity in sorted(verdict.identities - claimed)
    ]
    return record
