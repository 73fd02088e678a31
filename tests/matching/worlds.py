"""Made-up worlds of clients, records, links and claims, small enough to think through, dense enough to collide."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from tests.matching.reference import ALPHABET, ORDER_OF_STEPS, Reference, World, full_id

PREFIXES = {"Lead": "00Q", "Contact": "003", "Account": "001"}
FIRST_NAMES = ["Ana", " ANA", "A\N{COMBINING ACUTE ACCENT}na", "Bo", None, " "]
LAST_NAMES = ["Gómez", "GO\N{COMBINING ACUTE ACCENT}MEZ", "Gómez ", "Li", None]
DAYS = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 1, 2, 3)]


def make_world(random: Random, number: int, algorithm: str) -> World:
    """Return a world whose ids, e-mails and phones no world of another number shares."""
    world = World()
    world.records = _records(random, number)
    ids = [str(record["record_id"]) for record in world.records] + [_record_id("Lead", number, 99)]
    client_ids = [str(number * 100 + place) for place in range(random.randint(1, 8))]
    for client_id in client_ids:
        row = {"client_id": client_id, **_person(random, number)}
        row["is_deleted"] = random.random() < 0.1
        row["sync_disabled"] = random.random() < 0.1
        if random.random() < 0.2:
            row["salesforce_id"] = random.choice(
                [*ids, random.choice(ids)[:15], "unknown", "", "006000000000001"]
            )
        world.clients.append(row)
        if random.random() < 0.3:
            evidence = random.choice(["admin_choice", "name_and_email", "new", "claim_key"])
            world.links.append(
                {"client_id": client_id, "record_id": random.choice(ids), "evidence": evidence}
            )
    world.claims = _claims(random, world, ids, algorithm)
    return world


def _records(random: Random, number: int) -> list[dict[str, object]]:
    kinds = random.choices(["Lead", "Contact", "Account"], weights=[4, 4, 1], k=random.randint(0, 8))
    records: list[dict[str, object]] = []
    for place, sobject in enumerate(kinds):
        record = {
            "sobject": sobject,
            "record_id": _record_id(sobject, number, place),
            **_person(random, number),
        }
        record["created_at"] = random.choice([*DAYS, None])
        record["modified_at"] = random.choice([*DAYS, None])
        if random.random() < 0.3:
            record["client_key"] = _claim_key(random, number)
        records.append(record)
        if sobject == "Account" and random.random() < 0.7:
            records.append(_make_person_account(record, _record_id("Contact", number, place + 20)))
    for record in records:
        _move(random, record, [str(other["record_id"]) for other in records])
    return records


def _make_person_account(account: dict[str, object], contact_id: str) -> dict[str, object]:
    """Make a Person Account of an Account and return the Contact that belongs to it."""
    account.update(is_person_account=True, person_contact_id=contact_id)
    shared = {
        name: account[name]
        for name in ("first_name", "last_name", "email", "phone", "created_at", "modified_at")
    }
    ids = {"sobject": "Contact", "record_id": contact_id, "account_id": account["record_id"]}
    return {**shared, **ids, "is_person_account": True}


def _move(random: Random, record: dict[str, object], ids: list[str]) -> None:
    """Delete, merge or convert a record now and then; a chain can be long, broken or even a circle."""
    prefix = str(record["record_id"])[:3]
    if record["sobject"] == "Lead" and random.random() < 0.25:
        record["is_converted"] = True
        contacts = [other for other in ids if other.startswith("003")]
        record["converted_contact_id"] = random.choice([*contacts, None])
    if random.random() < 0.25:
        record["is_deleted"] = True
        record["master_record_id"] = random.choice(
            [*(other for other in ids if other.startswith(prefix)), None]
        )


def _claims(random: Random, world: World, ids: list[str], algorithm: str) -> list[dict[str, object]]:
    reference = Reference(world, {"matching_algorithm": algorithm})
    number = int(str(world.clients[0]["client_id"])) // 100
    names = {f"client:{row['client_id']}" for row in world.clients}
    for row in world.clients:
        names |= set(reference.identities_of(row).values())
    claims = []
    for name in sorted(names):
        if random.random() < 0.25:
            record_id = random.choice([*ids, None, None])
            claim = {"identity": name, "claim_key": _claim_key(random, number), "record_id": record_id}
            claims.append({**claim, "is_retired": random.random() < 0.2})
    return claims


def _claim_key(random: Random, number: int) -> str:
    return f"{number}-{random.randint(1, 4)}"


def _person(random: Random, number: int) -> dict[str, object]:
    emails = [f"ana{number}@example.org", f"ANA{number}@Example.org ", f"bo{number}@example.org", None]
    area, line = divmod(number, 10_000)
    phones = [
        f"({416 + area}) 555-{line:04}",
        f"+1 {416 + area} 555 {line:04}",
        f"{516 + area}.555.{line:04}",
        "n/a",
        None,
    ]
    return {
        "first_name": random.choice(FIRST_NAMES),
        "last_name": random.choice(LAST_NAMES),
        "email": random.choice(emails),
        "phone": random.choice(phones),
    }


def _record_id(sobject: str, number: int, place: int) -> str:
    body = f"{PREFIXES[sobject]}{ALPHABET[place % 26]}{ALPHABET[place % 7].lower()}{number:08}{place:02}"
    found = full_id(body)
    assert found is not None
    return found


ALGORITHMS = sorted(ORDER_OF_STEPS)
