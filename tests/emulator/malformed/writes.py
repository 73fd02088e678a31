"""Requests that write: JSON bodies, rows with odd values in every field, CSV uploads, multipart jobs."""

from __future__ import annotations

import json
import random
from typing import Any

from include.salesforce_emulator.engine.standard_objects import standard_schema
from tests.emulator.asgi_driver import Request
from tests.emulator.malformed.spoiling import (
    CSV,
    JSON,
    KEY,
    NASTY_TEXTS,
    NASTY_VALUES,
    NOBODY,
    json_body,
    spoiled_bytes,
)
from tests.local_org import DATA

DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}

LEAD: dict[str, Any] = {
    "attributes": {"type": "Lead"},
    "LastName": "Doe",
    "Company": "Acme",
    "NumberOfEmployees": 3,
}
EVENT: dict[str, Any] = {
    "attributes": {"type": "Event"},
    "Subject": "Visit",
    "StartDateTime": "2026-03-20T10:00:00Z",
    "EndDateTime": "2026-03-20T10:30:00Z",
    "DurationInMinutes": 30,
    "IsAllDayEvent": False,
    "Who": {"attributes": {"type": "Lead"}, KEY: "nobody"},
}
_CONTACT: dict[str, Any] = {
    "attributes": {"type": "Contact"},
    "LastName": "Doe",
    "Birthdate": "1980-02-03",
    "Email": "a@example.com",
    "Account": {"Name": "nobody"},
}
_RECORDS = (LEAD, EVENT, _CONTACT)


def plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "attributes"}


def json_input(rng: random.Random) -> list[Request]:
    record = rng.choice(_RECORDS)
    name = record["attributes"]["type"]
    gone = {"Lead": NOBODY, "Contact": "003000000000000AAA", "Event": "00U000000000000AAA"}[name]
    many = {"allOrNone": rng.random() < 0.3, "records": [record, record]}
    updates = {"allOrNone": False, "records": [{**record, "Id": gone}]}
    job = {
        "object": name,
        "operation": "insert",
        "contentType": "CSV",
        "lineEnding": "LF",
        "columnDelimiter": "PIPE",
    }
    method, path, body = rng.choice(
        (
            ("POST", f"/sobjects/{name}", plain(record)),
            ("PATCH", f"/sobjects/{name}/{gone}", plain(record)),
            ("PATCH", f"/sobjects/Lead/{KEY}/k{rng.randrange(9)}", plain(LEAD)),
            ("POST", "/composite/sobjects", many),
            ("PATCH", "/composite/sobjects", updates),
            (
                "PATCH",
                f"/composite/sobjects/Lead/{KEY}",
                {"records": [{**LEAD, KEY: f"c{rng.randrange(9)}"}]},
            ),
            ("POST", f"/composite/sobjects/{name}", {"ids": [gone], "fields": ["Id", "LastName"]}),
            ("POST", "/jobs/ingest", job),
            ("POST", "/jobs/ingest", {**job, "operation": "upsert", "externalIdFieldName": KEY}),
            ("POST", "/jobs/query", {"operation": "query", "query": f"SELECT Id FROM {name}"}),
            ("PATCH", "/jobs/ingest/750000000000001AAA", {"state": "UploadComplete"}),
            ("PATCH", "/jobs/query/750000000000001AAA", {"state": "Aborted"}),
        )
    )
    return [Request(method, DATA + path, JSON, json_body(rng, body))]


# -- rows that are right but for a value here and there, in every field that can be written

SOBJECTS = ("Lead", "Contact", "Account", "Event", "Task", "Campaign", "CampaignMember", "User")
FIELDS = {
    name: tuple(
        field.name for field in standard_schema().get(name).fields if field.createable or field.updateable
    )
    for name in SOBJECTS
}
_REQUIRED: dict[str, dict[str, Any]] = {
    "Lead": plain(LEAD),
    "Contact": {"LastName": "Doe"},
    "Account": {"Name": "Acme"},
    "Event": {**plain(EVENT), "Who": None, "WhoId": "{lead}"},
    "Task": {"Subject": "Call", "WhoId": "{contact}"},
    "Campaign": {"Name": "Spring"},
    "CampaignMember": {"CampaignId": "701000000000000AAA", "LeadId": "{lead}"},
    "User": {"Username": "u@example.com", "LastName": "Doe", "Email": "u@example.com"},
}
_KNOWN = {"Lead": "{lead}", "Contact": "{contact}", "Account": "{account}", "Event": "{event}"}


def value_input(rng: random.Random) -> list[Request]:
    name = rng.choice(SOBJECTS)
    rows = []
    for _ in range(rng.randint(1, 4)):
        row = {"attributes": {"type": name}, **_REQUIRED[name]}
        for field in rng.sample(FIELDS[name], min(rng.randint(1, 3), len(FIELDS[name]))):
            row[field] = _value(rng)
        if rng.random() < 0.2:
            row[f"{rng.choice(('Owner', 'Who', 'What', 'Account', 'Campaign', 'Reports', 'Nothing'))}"] = {
                rng.choice(("Id", "Name", KEY, "Username", "attributes")): _value(rng)
            }
        rows.append(row)
    body: dict[str, Any] = {"allOrNone": rng.random() < 0.2, "records": rows}
    method = "POST"
    if name in _KNOWN and rng.random() < 0.5:
        method = "PATCH"
        rows[0]["Id"] = _KNOWN[name]
        rows[-1]["Id"] = rng.choice((_KNOWN[name], _value(rng)))
    return [Request(method, f"{DATA}/composite/sobjects", JSON, json.dumps(body).encode())]


def _value(rng: random.Random) -> Any:
    if rng.random() < 0.25:
        return rng.choice(
            ("2026-03-20T10:00:00Z", "2026-03-20", 30, 1e9, -5, True, "x", "a@example.com", *_KNOWN.values())
        )
    return rng.choice(NASTY_VALUES)


# -- CSV

_COLUMNS = ("LastName", "Company", KEY, "NumberOfEmployees", "Email", "AnnualRevenue")


def csv_input(rng: random.Random) -> list[Request]:
    delimiter, ending = rng.choice(list(DELIMITERS)), rng.choice(list(LINE_ENDINGS))
    job: dict[str, Any] = {
        "object": rng.choice(("Lead", "Lead", "Contact", "Event")),
        "operation": rng.choice(("insert", "upsert", "update", "delete")),
        "contentType": "CSV",
        "lineEnding": ending,
        "columnDelimiter": delimiter,
    }
    if job["operation"] == "upsert":
        job |= {"object": "Lead", "externalIdFieldName": KEY}
    if job["operation"] == "delete" and rng.random() < 0.1:
        job["operation"] = "hardDelete"
    create = Request("POST", f"{DATA}/jobs/ingest", JSON, json.dumps(job).encode())
    body = _csv_body(rng, DELIMITERS[delimiter], LINE_ENDINGS[ending], str(job["operation"]))
    upload = Request("PUT", f"{DATA}/jobs/ingest/{{job}}/batches", CSV, body)
    close = Request("PATCH", f"{DATA}/jobs/ingest/{{job}}", JSON, b'{"state": "UploadComplete"}')
    return [create, upload, close]


def _csv_body(rng: random.Random, delimiter: str, ending: str, operation: str) -> bytes:
    columns = [*_COLUMNS]
    if operation in ("update", "delete", "hardDelete"):
        columns = ["Id"] if operation != "update" else ["Id", *_COLUMNS]
    if rng.random() < 0.3:
        columns[rng.randrange(len(columns))] = rng.choice(
            (*NASTY_TEXTS[:12], "Who.Id", "A.B.C", "Lead:Who.X", columns[0])
        )
    lines = [columns]
    for _ in range(rng.randint(0, 4)):
        row = ["Doe" if name != "Id" else NOBODY for name in columns]
        for _ in range(rng.randrange(3)):
            row[rng.randrange(len(row))] = rng.choice(NASTY_TEXTS).replace("\x00", rng.choice(("", "\x00")))
        lines.append(row[: rng.randint(0, len(row))] if rng.random() < 0.15 else row)
    text = ending.join(delimiter.join(_cell(rng, cell) for cell in line) for line in lines) + ending
    if rng.random() < 0.15:
        text = text.replace(ending, rng.choice(("\n", "\r\n", "\r", "\u2028")))
    body = text.encode("utf-8", "surrogatepass")
    return spoiled_bytes(rng, body) if rng.random() < 0.6 else body


def _cell(rng: random.Random, text: str) -> str:
    return rng.choice((text, f'"{text}"', f'"{text}', f'{text}"', '"' + text.replace('"', '""') + '"'))


# -- multipart


def multipart_input(rng: random.Random) -> list[Request]:
    boundary = rng.choice(("BOUND", "-", "a b", "x" * 70, "\xe9", "'"))
    job = json.dumps(
        {"object": "Lead", "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}
    ).encode()
    if rng.random() < 0.4:
        job = spoiled_bytes(rng, job)
    content = b"LastName,Company\nDoe,Acme\n"
    if rng.random() < 0.4:
        content = rng.choice(
            (b"", b"x" * 100_001, b"\xff\n", b"LastName\r\nx\r\n", spoiled_bytes(rng, content))
        )
    mark = b"--" + boundary.encode("latin-1")
    parts = [
        b'Content-Type: application/json\r\nContent-Disposition: form-data; name="job"\r\n\r\n' + job,
        b'Content-Type: text/csv\r\nContent-Disposition: form-data; name="content"; filename="c"\r\n\r\n'
        + content,
    ]
    rng.shuffle(parts)
    body = (
        b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts[: rng.choice((0, 1, 2, 2, 2))])
        + mark
        + b"--\r\n"
    )
    if rng.random() < 0.7:
        body = spoiled_bytes(rng, body)
    value = rng.choice(
        (
            f"multipart/form-data; boundary={boundary}",
            f'multipart/form-data; boundary="{boundary}"',
            "multipart/",
        )
    )
    return [Request("POST", f"{DATA}/jobs/ingest", (("content-type", value),), body)]
