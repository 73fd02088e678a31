"""The rules M1-M8 once more, slowly and one client at a time, sharing no code with what they check."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

BEATS = {"lead": ["CA", "L"], "contact": ["CA"], "person_account": ["A", "C"]}
CREATES = {"lead": "Lead", "contact": "Contact", "person_account": "Account"}
ORDER_OF_STEPS = {
    "name_and_email": ["name_and_email"],
    "email": ["email"],
    "phone_then_name_and_email": ["phone", "name_and_email"],
    "name_and_email_then_phone": ["name_and_email", "phone"],
}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
UNSEEN = "\N{ZERO WIDTH SPACE}\N{SOFT HYPHEN}\N{RIGHT-TO-LEFT MARK}"
REGION_OF = {
    "canada": "CA",
    "ca": "CA",
    "united kingdom": "GB",
    "gb": "GB",
    "france": "FR",
    "frankreich": "FR",
}
COUNTRY_CODE = {"US": "1", "CA": "1", "GB": "44", "FR": "33"}
WAY_OUT = {"US": "011", "CA": "011", "GB": "00", "FR": "00"}
TRUNK = {"US": "", "CA": "", "GB": "0", "FR": "0"}
LENGTHS = {"1": {11}, "44": {11, 12}, "33": {11}}


@dataclass
class World:
    clients: list[dict[str, object]] = field(default_factory=list)
    records: list[dict[str, object]] = field(default_factory=list)
    links: list[dict[str, object]] = field(default_factory=list)
    claims: list[dict[str, object]] = field(default_factory=list)


@dataclass
class Verdict:
    action: str
    person_ref: str | None = None
    sobject: str | None = None
    record_id: str | None = None
    who_id: str | None = None
    evidence: str | None = None
    reason: str | None = None
    followed_from: str | None = None
    claim_key: str | None = None
    identities: frozenset[str] = frozenset()


def plain(value: object) -> str:
    text = unicodedata.normalize("NFKC", str(value or ""))
    text = "".join(character for character in text if character not in UNSEEN)
    return " ".join(unicodedata.normalize("NFKC", text.casefold()).split())


def digits(value: object, region: str) -> str:
    """Return a phone's digits with country code; the worlds' phones are American, British or French."""
    typed = unicodedata.normalize("NFKC", str(value or "")).strip().lower()
    number, extension = (
        "".join(character for character in part if character.isdigit())
        for part in [typed.partition("x")[0], typed.partition("x")[2]]
    )
    if typed.startswith("+"):
        full = number
    elif number.startswith(WAY_OUT[region]):
        full = number.removeprefix(WAY_OUT[region])
    elif number.startswith("00"):
        full = number.removeprefix("00")
    elif region in {"US", "CA"} and len(number) == 11:
        full = number
    else:
        full = COUNTRY_CODE[region] + number.removeprefix(TRUNK[region])
    fits = any(full.startswith(code) and len(full) in lengths for code, lengths in LENGTHS.items())
    return (f"{full}x{extension}" if extension else full) if fits else ""


def full_id(value: object) -> str | None:
    text = str(value or "")
    if not (text.isascii() and text.isalnum() and len(text) in {15, 18}):
        return None
    suffix = ""
    for start in (0, 5, 10):
        bits = [2**place for place, letter in enumerate(text[start : start + 5]) if letter.isupper()]
        suffix += ALPHABET[sum(bits)]
    return text[:15] + suffix


def evidence_of(row: dict[str, object], step: str, default_region: str) -> set[str]:
    """Return what a client or a record can be found by in a step: nothing where it lacks a value, or two phones."""
    if step == "phone":
        region = REGION_OF.get(plain(row.get("country")), default_region)
        return {digits(row.get(name), region) for name in ("phone", "mobile_phone")} - {""}
    names = ["first_name", "last_name", "email"] if step == "name_and_email" else ["email"]
    parts = [plain(row.get(name)) for name in names]
    return {"\x1f".join(parts)} if all(parts) else set()


def identity(step: str, evidence: str) -> str:
    return hashlib.sha256(f"{step}\x1f{evidence}".encode()).hexdigest()[:32]


class Reference:
    """Decides one world under one set of settings."""

    def __init__(self, world: World, settings: dict[str, str]) -> None:
        self.world = world
        self.settings = settings
        self.steps = ORDER_OF_STEPS[settings["matching_algorithm"]]
        self.records = {str(record["record_id"]): record for record in world.records}
        self.links = {str(link["client_id"]): link for link in world.links}
        rows = [*world.clients, *world.records]
        self.evidence = {
            (id(row), step): evidence_of(row, step, settings["default_phone_region"])
            for row in rows
            for step in self.steps
        }

    # where a record went

    def end_of(self, record_id: str | None) -> dict[str, object] | None:
        """Return the person's record at the end of the chain, or nothing."""
        seen: set[str] = set()
        while record_id in self.records and record_id not in seen:
            seen.add(record_id)
            record = self.records[record_id]
            if record.get("is_deleted") and record.get("master_record_id"):
                record_id = str(record["master_record_id"])
            elif (
                record.get("is_deleted")
                and record["sobject"] == "Contact"
                and record.get("is_person_account")
            ):
                record_id = None if record.get("account_id") is None else str(record["account_id"])
            elif record.get("is_converted"):
                became = record.get("converted_contact_id") or record.get("converted_account_id")
                record_id = None if became is None else str(became)
            else:
                is_business = record["sobject"] == "Account" and not record.get("is_person_account")
                return None if record.get("is_deleted") or is_business else record
        return None

    @staticmethod
    def person(end: dict[str, object]) -> tuple[str, str, str]:
        """Return kind, record and who: a Person Account's Contact is that Account."""
        if end["sobject"] == "Account":
            return "Account", str(end["record_id"]), str(end["person_contact_id"])
        if end.get("is_person_account") and end.get("account_id"):
            return "Account", str(end["account_id"]), str(end["record_id"])
        return str(end["sobject"]), str(end["record_id"]), str(end["record_id"])

    # who is one person

    def identities_of(self, row: dict[str, object]) -> dict[str, str]:
        return {
            step: identity(step, evidence) for step in self.steps for evidence in self.evidence[id(row), step]
        }

    def groups(self) -> list[list[dict[str, object]]]:
        rest = sorted(self.world.clients, key=lambda row: int(str(row["client_id"])))
        result = []
        while rest:
            group = [rest.pop(0)]
            for member in group:
                mine = set(self.identities_of(member).values())
                joined = [row for row in rest if mine & set(self.identities_of(row).values())]
                group.extend(joined)
                rest = [row for row in rest if row not in joined]
            result.append(sorted(group, key=lambda row: int(str(row["client_id"]))))
        return result

    # deciding

    def decide(self) -> dict[str, Verdict]:
        verdicts: dict[str, Verdict] = {}
        for group in self.groups():
            verdicts.update(self.decide_group(group))
        return verdicts

    @staticmethod
    def is_active(row: dict[str, object]) -> bool:
        return not (row.get("is_deleted") or row.get("sync_disabled"))

    def own_evidence(self, row: dict[str, object]) -> tuple[int, str, str] | None:
        link = self.links.get(str(row["client_id"]))
        if link and link["evidence"] == "admin_choice" and self.end_of(str(link["record_id"])):
            return 0, "admin_choice", str(link["record_id"])
        source_id = full_id(row.get("salesforce_id"))
        if self.is_active(row) and source_id and self.end_of(source_id):
            return 1, "source_id", source_id
        if link and self.end_of(str(link["record_id"])):
            return 2, "kept_link", str(link["record_id"])
        return None

    def claim_of(self, names: set[str]) -> tuple[str, str | None] | None:
        """Return key and record of the claim that counts for a group: one that has a person, else one still open."""
        keys = sorted(
            {str(c["claim_key"]) for c in self.world.claims if c["identity"] in names and not c["is_retired"]}
        )
        for key in keys:
            best = self.holder_of(key)
            if best is not None:
                return key, best
        for key in keys:
            if not self.holders_of(key):
                return key, None
        return None

    def records_of_claims(self, key: str) -> set[str]:
        claims = [c for c in self.world.claims if c["claim_key"] == key and not c["is_retired"]]
        return {str(c["record_id"]) for c in claims if c.get("record_id")}

    def holders_of(self, key: str) -> set[str]:
        on_records = {
            record_id for record_id, record in self.records.items() if record.get("client_key") == key
        }
        return on_records | self.records_of_claims(key)

    def holder_of(self, key: str) -> str | None:
        """Return the record that the ledger says, or, if that cannot be used, one that has the key on it."""
        for holders in (self.records_of_claims(key), self.holders_of(key)):
            ends = {holder: self.end_of(holder) for holder in holders}
            usable = [(end["record_id"] != holder, holder) for holder, end in ends.items() if end is not None]
            if usable:
                return min(usable)[1]
        return None

    def agreeing(
        self, group: list[dict[str, object]]
    ) -> tuple[str, dict[str, tuple[str, dict[str, object]]]] | None:
        """Return the first step that finds anybody, and for each person found the record that agreed and its end."""
        for step in self.steps:
            wanted = set().union(*(self.evidence[id(row), step] for row in group))
            found: dict[str, tuple[str, dict[str, object]]] = {}
            for record_id in sorted(self.records):
                if not wanted & self.evidence[id(self.records[record_id]), step]:
                    continue
                end = self.end_of(record_id)
                if end is None:
                    continue
                target = self.person(end)[1]
                is_direct = end["record_id"] == record_id
                if target not in found or (is_direct and found[target][0] != found[target][1]["record_id"]):
                    found[target] = (record_id, end)
            if found:
                return step, found
        return None

    def choice(self, group: list[dict[str, object]]) -> tuple[str, str | None, bool]:
        """Return the step that found somebody, the record it takes, and whether a person has to choose."""
        agreeing = self.agreeing(group)
        if agreeing is None:
            return "", None, False
        step, found = agreeing
        for kinds in BEATS[self.settings["entity_type"]]:
            equals = {t: hit for t, hit in found.items() if self.person(hit[1])[0][0] in kinds}
            if not equals:
                continue
            policy = self.settings["ambiguous_match"]
            if len(equals) > 1 and policy == "hold":
                return step, None, True
            return step, equals[self.pick(equals, policy)][0], False
        return step, None, False

    @staticmethod
    def pick(equals: dict[str, tuple[str, dict[str, object]]], policy: str) -> str:
        def age(target: str) -> tuple[bool, float, str]:
            column = "created_at" if policy == "oldest" else "modified_at"
            when = equals[target][1].get(column)
            if not isinstance(when, datetime):
                return True, 0.0, target
            return False, when.timestamp() if policy == "oldest" else -when.timestamp(), target

        return min(equals, key=age)

    def decide_group(self, group: list[dict[str, object]]) -> dict[str, Verdict]:
        names = {f"client:{row['client_id']}" for row in group}
        for row in group:
            names |= set(self.identities_of(row).values())
        claim = self.claim_of(names)
        own = {str(row["client_id"]): self.own_evidence(row) for row in group}
        heads = [(had[0], int(client_id), had[2]) for client_id, had in own.items() if had]
        active = [str(row["client_id"]) for row in group if self.is_active(row)]
        verdicts = {}
        for row in group:
            client_id = str(row["client_id"])
            had = own[client_id]
            if had:
                verdict = self.linked(had[2], had[1])
            elif not self.is_active(row):
                verdict = Verdict(
                    "none", reason="client_deleted" if row.get("is_deleted") else "client_disabled"
                )
            elif heads:
                verdict = self.linked(min(heads)[2], self.joined_by(row, group))
            elif claim and claim[1]:
                verdict = self.linked(claim[1], "claim_key")
            else:
                verdict = self.searched(row, group, first=active[0])
            verdict.identities = frozenset(names)
            verdict.claim_key = self.claim_shown(claim, verdict)
            verdicts[client_id] = verdict
        return verdicts

    def claim_shown(self, claim: tuple[str, str | None] | None, verdict: Verdict) -> str | None:
        if claim is None:
            return None
        key, holder = claim
        if holder is None:
            return key if verdict.action == "create" else None
        end = self.end_of(holder)
        return key if end and self.person(end)[1] == verdict.record_id else None

    def joined_by(self, row: dict[str, object], group: list[dict[str, object]]) -> str:
        others = [other for other in group if other is not row]
        for step, name in self.identities_of(row).items():
            if any(self.identities_of(other).get(step) == name for other in others):
                return step
        raise AssertionError

    def linked(self, asked: str, evidence: str) -> Verdict:
        end = self.end_of(asked)
        assert end is not None
        kind, target, who = self.person(end)
        followed = asked if end["record_id"] != asked else None
        return Verdict("link", target, kind, target, who, evidence, followed_from=followed)

    def searched(self, row: dict[str, object], group: list[dict[str, object]], *, first: str) -> Verdict:
        step, found, is_ambiguous = self.choice(group)
        if found:
            return self.linked(found, step)
        if is_ambiguous:
            return Verdict("hold", reason="ambiguous_match")
        if not self.identities_of(row) and self.settings["insufficient_evidence"] == "hold":
            return Verdict("hold", reason="insufficient_evidence")
        if self.settings["register_people"] == "off":
            return Verdict("hold", reason="registration_off")
        return Verdict("create", f"new:{first}", CREATES[self.settings["entity_type"]], evidence="new")

    def retired_claims(self) -> set[str]:
        keys = {str(c["claim_key"]) for c in self.world.claims if not c["is_retired"]}
        return {key for key in keys if self.holders_of(key) and self.holder_of(key) is None}

    def forwards(self) -> dict[str, tuple[str, str]]:
        """Return where Ids lead to now: what an Event points at, and the person's record."""
        moved: dict[str, tuple[str, str]] = {}
        for record_id in self.records:
            end = self.end_of(record_id)
            if end and end["record_id"] != record_id:
                _, target, who = self.person(end)
                moved[record_id] = who, target
        for link in self.world.links:
            if link["record_id"] in moved and link.get("who_id"):
                moved.setdefault(str(link["who_id"]), moved[str(link["record_id"])])
        return {old: new for old, new in moved.items() if old != new[0]}
