"""Made-up worlds of clients, records, links and claims, small enough to think through, dense enough to collide."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from tests.matching.reference import ALPHABET, ORDER_OF_STEPS, Reference, World, full_id

ALGORITHMS = sorted(ORDER_OF_STEPS)
PREFIXES = {"Lead": "00Q", "Contact": "003", "Account": "001"}
MARK = "wx"
"""What every name and e-mail holds, and no Id, key or word of an explanation."""

FIRST_NAMES = [
    [f"Ana{MARK}", f" ANA{MARK} ", f"A\N{COMBINING ACUTE ACCENT}na{MARK}", f"A\N{ZERO WIDTH SPACE}na{MARK}"],
    [
        f"Bo{MARK}",
        f"BO{MARK}",
        f"\N{FULLWIDTH LATIN CAPITAL LETTER B}o{MARK}",
        f"B\N{CYRILLIC SMALL LETTER O}{MARK}",
    ],
    [None, " "],
]
LAST_NAMES = [
    [f"Gómez{MARK}", f"GO\N{COMBINING ACUTE ACCENT}MEZ{MARK}", f"Gómez{MARK} ", f"Gomez{MARK}"],
    [f"von  Groß{MARK}", f"Von Gross{MARK}", f"VON GROSS{MARK}", f"Von Groß{MARK}"],
    [None],
]
"""Spellings of two people's names, most of them equal to the rules, and of nobody's."""

COUNTRIES = [None, None, "Canada", "GB", "United Kingdom", "france", "Frankreich", "Atlantis"]
DAYS = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 1, 2, 3)]
MOST_CLIENTS = 12
MOST_RECORDS = 9
PLACE_OF_PERSON_CONTACTS = 20


def make_world(random: Random, number: int, algorithm: str) -> World:
    """Return a world whose ids, e-mails and phones no world of another number shares."""
    world = World()
    world.records = _records(random, number)
    ids = [str(record["record_id"]) for record in world.records] + [record_id("Lead", number, 99)]
    for place in range(random.randint(1, MOST_CLIENTS)):
        client_id = str(number * 100 + place)
        row = {"client_id": client_id, **_client(random, number)}
        if random.random() < 0.2:
            row["salesforce_id"] = random.choice(
                [*ids, random.choice(ids)[:15], f"Ana {MARK}", "", "006000000000001"]
            )
        world.clients.append(row)
        if random.random() < 0.3:
            world.links.append(_link(random, client_id, world))
    world.claims = _claims(random, world, ids, algorithm)
    return world


def _client(random: Random, number: int) -> dict[str, object]:
    row = _person(random, number)
    if random.random() < 0.1:
        row["email"] = random.choice(
            [
                f"\N{FULLWIDTH LATIN CAPITAL LETTER A}na{MARK}{number}@example.org",
                f"\N{ZERO WIDTH SPACE}bo{MARK}{number}@example.org",
            ]
        )
    return {**row, "is_deleted": random.random() < 0.1, "sync_disabled": random.random() < 0.1}


def _link(random: Random, client_id: str, world: World) -> dict[str, object]:
    gone = {"record_id": record_id("Lead", int(client_id) // 100, 99)}
    record = random.choice([*world.records, gone])
    is_account = record.get("sobject") == "Account"
    return {
        "client_id": client_id,
        "record_id": record["record_id"],
        "who_id": record.get("person_contact_id") if is_account else record["record_id"],
        "evidence": random.choice(["admin_choice", "name_and_email", "new", "claim_key"]),
    }


def _records(random: Random, number: int) -> list[dict[str, object]]:
    kinds = random.choices(
        ["Lead", "Contact", "Account"], weights=[4, 4, 2], k=random.randint(0, MOST_RECORDS)
    )
    records: list[dict[str, object]] = []
    for place, sobject in enumerate(kinds):
        record = {
            "sobject": sobject,
            "record_id": record_id(sobject, number, place),
            **_person(random, number),
            "mobile_phone": random.choice([None, _phone(random, number, random.randint(0, 2))]),
            "created_at": random.choice([*DAYS, None]),
            "modified_at": random.choice([*DAYS, None]),
        }
        if random.random() < 0.3:
            record["client_key"] = _claim_key(random, number)
        records.append(record)
        if sobject == "Account" and random.random() < 0.7:
            contact_id = record_id("Contact", number, PLACE_OF_PERSON_CONTACTS + place)
            records.append(_make_person_account(record, contact_id))
    for record in records:
        _move(random, record, records)
    _move_contacts_along(records)
    return records


def _make_person_account(account: dict[str, object], contact_id: str) -> dict[str, object]:
    """Make a Person Account of an Account and return the Contact that belongs to it."""
    contact = {name: value for name, value in account.items() if name != "client_key"}
    account.update(is_person_account=True, person_contact_id=contact_id)
    ids = {"sobject": "Contact", "record_id": contact_id, "account_id": account["record_id"]}
    return {**contact, **ids, "is_person_account": True}


def _move(random: Random, record: dict[str, object], records: list[dict[str, object]]) -> None:
    """Delete, merge or convert a record now and then; a chain can be long, broken or even a circle."""
    ids = {
        sobject: [str(one["record_id"]) for one in records if one["sobject"] == sobject]
        for sobject in PREFIXES
    }
    if record["sobject"] == "Lead" and random.random() < 0.3:
        record["is_converted"] = True
        contact = random.choice([one for one in records if one["sobject"] == "Contact"] or [{}])
        record["converted_contact_id"] = random.choice([contact.get("record_id"), None])
        record["converted_account_id"] = random.choice([contact.get("account_id"), *ids["Account"], None])
    if random.random() < 0.25:
        record["is_deleted"] = True
        is_person = record.get("is_person_account")
        alike = {one["record_id"] for one in records if one.get("is_person_account") == is_person}
        record["master_record_id"] = random.choice(
            [*(one for one in ids[str(record["sobject"])] if one in alike), None]
        )


def _move_contacts_along(records: list[dict[str, object]]) -> None:
    """Let the Contact of a Person Account be deleted, or merged into another's Contact, together with it."""
    by_id = {record["record_id"]: record for record in records}
    for contact in records:
        account = by_id.get(contact.get("account_id"))
        if account is None:
            continue
        survivor = by_id.get(account.get("master_record_id"), {})
        contact["is_deleted"] = account.get("is_deleted")
        contact["master_record_id"] = survivor.get("person_contact_id")


def _claims(random: Random, world: World, ids: list[str], algorithm: str) -> list[dict[str, object]]:
    reference = Reference(world, {"matching_algorithm": algorithm, "default_phone_region": "US"})
    number = int(str(world.clients[0]["client_id"])) // 100
    names = {f"client:{row['client_id']}" for row in world.clients}
    for row in world.clients:
        names |= set(reference.identities_of(row).values())
    claims = []
    for name in sorted(names):
        if random.random() < 0.2:
            record_id = random.choice([*ids, None, None])
            claim = {"identity": name, "claim_key": _claim_key(random, number), "record_id": record_id}
            claims.append({**claim, "is_retired": random.random() < 0.2})
    return claims


def _claim_key(random: Random, number: int) -> str:
    return f"{random.choice(['', 'east-'])}{number}-{random.randint(1, 3)}"


def _person(random: Random, number: int) -> dict[str, object]:
    """Return the values of one of two people, now and then with the other's, or without one."""
    emails = [
        [f"ana{MARK}{number}@example.org", f"ANA{MARK}{number}@Example.org "],
        [f"bo{MARK}{number}@example.org"],
    ]
    who = random.randint(0, 1)
    return {
        "first_name": random.choice(FIRST_NAMES[_whose(random, who)]),
        "last_name": random.choice(LAST_NAMES[_whose(random, who)]),
        "email": random.choice([*emails, [None]][_whose(random, who)]),
        "phone": _phone(random, number, _whose(random, who)),
        "country": random.choice(COUNTRIES),
    }


def _whose(random: Random, who: int) -> int:
    return random.choice([who] * 6 + [1 - who, 2])


def _phone(random: Random, number: int, who: int) -> str | None:
    """Return the American or the British person's phone, or nobody's, typed in one of many ways."""
    line = f"{number:07}"
    american = [f"(416) {line[:3]}-{line[3:]}", f"+1 416 {line}", f"1-416-{line}", f"416{line} ext. 12"]
    british = [f"020 7{line[:3]} {line[3:]}", f"+44 20 7{line}", f"0044 20 7{line}", f"011 44 20 7{line}"]
    return random.choice(
        [american, british, [f"01 2{line[0]} {line[1:]}", f"+33 1 2{line}", "n/a", None]][who]
    )


def record_id(sobject: str, number: int, place: int) -> str:
    body = f"{PREFIXES[sobject]}{ALPHABET[place % 26]}{ALPHABET[place % 7].lower()}{number:08}{place:02}"
    found = full_id(body)
    assert found is not None
    return found
