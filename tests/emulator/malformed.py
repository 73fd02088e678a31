"""Malformed input of every kind the local org reads, each piece made from its family and number alone.

``make(family, number)`` is the same in every run, so that the input a failure names can be made again. A family starts
from requests that are right and spoils them: in the structure, in single values, in the bytes.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from include.salesforce_emulator.standard_objects import standard_schema
from tests.emulator.asgi_driver import Headers, Request
from tests.local_org import DATA

KEY = "Coconut_Client_Key__c"
SOAP = "/services/Soap/u/59.0"
_NOBODY = "00Q000000000000AAA"
_JSON: Headers = (("content-type", "application/json"),)
_CSV: Headers = (("content-type", "text/csv"),)
_XML: Headers = (("content-type", "text/xml"), ("soapaction", '""'))
_FORM: Headers = (("content-type", "application/x-www-form-urlencoded"),)
DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}

NASTY_TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "x\udfff",
    "\ufeff",
    "\u202e\u0000",
    "null",
    "#N/A",
    "'",
    "\\",
    "%00",
    "../../etc/passwd",
    "{}",
    "9" * 400,
    "-" * 60,
    "a" * 70_000,
    "a@" + "b." * 300,
    "1e999",
    "NaN",
    "0000-00-00",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "2026-02-30T25:61:61Z",
    "2026-03-01T10:00:00.000+99:99",
    "٣٤٥",
    "²",
    "ß" * 300,
    "İ",
    "00Q000000000000",
    "00Q00000000000\u0131AAA",
    "003" + "z" * 15,
)
NASTY_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    -(2**64),
    10**400,
    1e308,
    0.1,
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"attributes": None},
    {"attributes": {"type": []}},
    *NASTY_TEXTS,
)
_NASTY_BYTES = (
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b'"',
    b"'",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"]",
    b",",
    b"&",
    b"<",
    b"]]>",
    b"--",
    b"1e999999",
    b"NaN",
    b"-Infinity",
    b"9" * 5000,
)

Maker = Callable[[random.Random], list[Request]]


def make(family: str, number: int) -> list[Request]:
    """Return the requests of one malformed input; all but the last are there to bring the last one about."""
    return FAMILIES[family](random.Random(f"malformed {family} {number}"))


# -- spoiling


def spoiled_bytes(rng: random.Random, content: bytes) -> bytes:
    """Cut, repeat, flip, insert and drop bytes, a few times."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                del data[at:]
            case 1:
                data[at:at] = rng.choice(_NASTY_BYTES)
            case 2 if data:
                data[at % len(data)] = rng.randrange(256)
            case 3:
                del data[at : at + rng.randint(1, 12)]
            case 4:
                data[at:at] = data[at : at + rng.randint(1, 30)]
            case _:
                del data[:at]
    return bytes(data)


def spoiled_value(rng: random.Random, value: Any) -> Any:
    """Put something nasty at one place of a JSON value, at whatever depth, or rename, repeat or drop what is there."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        changed = dict(value)
        name = rng.choice(list(changed))
        match rng.randrange(6):
            case 0:
                del changed[name]
            case 1:
                changed[rng.choice(NASTY_TEXTS)] = changed.pop(name)
            case 2:
                changed[rng.choice(NASTY_TEXTS)] = rng.choice(NASTY_VALUES)
            case _:
                changed[name] = spoiled_value(rng, changed[name])
        return changed
    if isinstance(value, list) and value and rng.random() < 0.85:
        items = list(value)
        at = rng.randrange(len(items))
        match rng.randrange(4):
            case 0:
                items[at : at + 1] = items[at : at + 1] * rng.choice((0, 2, 3, 201))
            case _:
                items[at] = spoiled_value(rng, items[at])
        return items
    return rng.choice(NASTY_VALUES)


def _json_body(rng: random.Random, value: Any) -> bytes:
    if rng.random() < 0.04:
        depth = rng.choice((50, 500, 5_000, 100_000))
        opening, closing = rng.choice((("[", "]"), ('{"a":', "}"), ('{"records":[', "]}")))
        return (opening * depth + "1" + closing * rng.choice((0, depth))).encode()
    spoiled = spoiled_value(rng, value)
    for _ in range(rng.randrange(2)):
        spoiled = spoiled_value(rng, spoiled)
    body = json.dumps(spoiled, ensure_ascii=rng.random() < 0.7).encode("utf-8", "surrogatepass")
    if rng.random() < 0.4:
        return spoiled_bytes(rng, body)
    encoding = rng.choice(("utf-8",) * 12 + ("utf-16", "utf-32-be"))
    return body if encoding == "utf-8" else body.decode("utf-8", "replace").encode(encoding)


# -- JSON

_LEAD = {"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": "Acme", "NumberOfEmployees": 3}
_EVENT = {
    "attributes": {"type": "Event"},
    "Subject": "Visit",
    "StartDateTime": "2026-03-20T10:00:00Z",
    "EndDateTime": "2026-03-20T10:30:00Z",
    "DurationInMinutes": 30,
    "IsAllDayEvent": False,
    "Who": {"attributes": {"type": "Lead"}, KEY: "nobody"},
}
_CONTACT = {
    "attributes": {"type": "Contact"},
    "LastName": "Doe",
    "Birthdate": "1980-02-03",
    "Email": "a@example.com",
    "Account": {"Name": "nobody"},
}
_RECORDS = (_LEAD, _EVENT, _CONTACT)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "attributes"}


def _json_input(rng: random.Random) -> list[Request]:
    record = rng.choice(_RECORDS)
    name = record["attributes"]["type"]
    gone = {"Lead": _NOBODY, "Contact": "003000000000000AAA", "Event": "00U000000000000AAA"}[name]
    many = {"allOrNone": rng.random() < 0.3, "records": [record, record]}
    updates = {"allOrNone": False, "records": [{**record, "Id": gone}]}
    job = {"object": name, "operation": "insert", "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "PIPE"}
    method, path, body = rng.choice(
        (
            ("POST", f"/sobjects/{name}", _plain(record)),
            ("PATCH", f"/sobjects/{name}/{gone}", _plain(record)),
            ("PATCH", f"/sobjects/Lead/{KEY}/k{rng.randrange(9)}", _plain(_LEAD)),
            ("POST", "/composite/sobjects", many),
            ("PATCH", "/composite/sobjects", updates),
            ("PATCH", f"/composite/sobjects/Lead/{KEY}", {"records": [{**_LEAD, KEY: f"c{rng.randrange(9)}"}]}),
            ("POST", f"/composite/sobjects/{name}", {"ids": [gone], "fields": ["Id", "LastName"]}),
            ("POST", "/jobs/ingest", job),
            ("POST", "/jobs/ingest", {**job, "operation": "upsert", "externalIdFieldName": KEY}),
            ("POST", "/jobs/query", {"operation": "query", "query": f"SELECT Id FROM {name}"}),
            ("PATCH", "/jobs/ingest/750000000000001AAA", {"state": "UploadComplete"}),
            ("PATCH", "/jobs/query/750000000000001AAA", {"state": "Aborted"}),
        )
    )
    return [Request(method, DATA + path, _JSON, _json_body(rng, body))]


# -- values: rows that are right but for a value here and there, in every field that can be written

_SOBJECTS = ("Lead", "Contact", "Account", "Event", "Task", "Campaign", "CampaignMember", "User")
_FIELDS = {
    name: tuple(field.name for field in standard_schema().get(name).fields if field.createable or field.updateable)
    for name in _SOBJECTS
}
_REQUIRED: dict[str, dict[str, Any]] = {
    "Lead": _plain(_LEAD),
    "Contact": {"LastName": "Doe"},
    "Account": {"Name": "Acme"},
    "Event": {**_plain(_EVENT), "Who": None, "WhoId": "{lead}"},
    "Task": {"Subject": "Call", "WhoId": "{contact}"},
    "Campaign": {"Name": "Spring"},
    "CampaignMember": {"CampaignId": "701000000000000AAA", "LeadId": "{lead}"},
    "User": {"Username": "u@example.com", "LastName": "Doe", "Email": "u@example.com"},
}
_KNOWN = {"Lead": "{lead}", "Contact": "{contact}", "Account": "{account}", "Event": "{event}"}


def _value_input(rng: random.Random) -> list[Request]:
    name = rng.choice(_SOBJECTS)
    rows = []
    for _ in range(rng.randint(1, 4)):
        row = {"attributes": {"type": name}, **_REQUIRED[name]}
        for field in rng.sample(_FIELDS[name], min(rng.randint(1, 3), len(_FIELDS[name]))):
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
    return [Request(method, f"{DATA}/composite/sobjects", _JSON, json.dumps(body).encode())]


def _value(rng: random.Random) -> Any:
    if rng.random() < 0.25:
        return rng.choice(("2026-03-20T10:00:00Z", "2026-03-20", 30, 1e9, -5, True, "x", "a@example.com", *_KNOWN.values()))
    return rng.choice(NASTY_VALUES)


# -- CSV

_COLUMNS = ("LastName", "Company", KEY, "NumberOfEmployees", "Email", "AnnualRevenue")


def _csv_input(rng: random.Random) -> list[Request]:
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
    create = Request("POST", f"{DATA}/jobs/ingest", _JSON, json.dumps(job).encode())
    body = _csv_body(rng, DELIMITERS[delimiter], LINE_ENDINGS[ending], str(job["operation"]))
    upload = Request("PUT", f"{DATA}/jobs/ingest/{{job}}/batches", _CSV, body)
    close = Request("PATCH", f"{DATA}/jobs/ingest/{{job}}", _JSON, b'{"state": "UploadComplete"}')
    return [create, upload, close]


def _csv_body(rng: random.Random, delimiter: str, ending: str, operation: str) -> bytes:
    columns = [*_COLUMNS]
    if operation in ("update", "delete", "hardDelete"):
        columns = ["Id"] if operation != "update" else ["Id", *_COLUMNS]
    if rng.random() < 0.3:
        columns[rng.randrange(len(columns))] = rng.choice((*NASTY_TEXTS[:12], "Who.Id", "A.B.C", "Lead:Who.X", columns[0]))
    lines = [columns]
    for _ in range(rng.randint(0, 4)):
        row = ["Doe" if name != "Id" else _NOBODY for name in columns]
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


# -- SOAP

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:urn="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Header><urn:SessionHeader><urn:sessionId>{token}</urn:sessionId></urn:SessionHeader></soapenv:Header>"
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)
_CALLS = (
    "<urn:login><urn:username>integration@local-org.example</urn:username><urn:password>x</urn:password></urn:login>",
    "<urn:convertLead><urn:leadConverts><urn:leadId>00Q000000000000AAA</urn:leadId>"
    "<urn:convertedStatus>Closed - Converted</urn:convertedStatus></urn:leadConverts></urn:convertLead>",
    '<urn:merge><urn:request><urn:masterRecord xsi:type="urn:Lead"><urn:type>Lead</urn:type>'
    "<urn:Id>00Q000000000000AAA</urn:Id></urn:masterRecord>"
    "<urn:recordToMergeIds>00Q000000000001AAA</urn:recordToMergeIds></urn:request></urn:merge>",
    '<urn:merge><urn:request><urn:masterRecord xsi:type="urn:Contact"><urn:type>Contact</urn:type>'
    "<urn:Id>{contact}</urn:Id><urn:Phone>1</urn:Phone></urn:masterRecord>"
    "<urn:recordToMergeIds>{lead}</urn:recordToMergeIds></urn:request></urn:merge>",
    "<urn:undelete><urn:ids>{lead}</urn:ids><urn:ids>{contact}</urn:ids></urn:undelete>",
    "<urn:delete><urn:ids>{lead}</urn:ids></urn:delete>",
    "<urn:query><urn:queryString>SELECT Id FROM Lead LIMIT 1</urn:queryString></urn:query>",
    "<urn:describeSObject><urn:sObjectType>Lead</urn:sObjectType></urn:describeSObject>",
    "<urn:getUserInfo/>",
    "<urn:getServerTimestamp/>",
    "<urn:logout/>",
)
_DOCTYPES = (
    '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd">',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]>',
)


def _xml_input(rng: random.Random) -> list[Request]:
    call = rng.choice(_CALLS)
    token = "{token}" if rng.random() < 0.8 else rng.choice(NASTY_TEXTS[4:20])
    text = _ENVELOPE.replace("{token}", token).replace("{body}", call)
    declaration, rest = text[:38], text[38:]
    match rng.randrange(9):
        case 0:
            rest = rng.choice(_DOCTYPES) + rest.replace("00Q000000000000AAA", "&x;&y;").replace("{token}", "&y;")
        case 1:
            declaration = declaration.replace(
                "UTF-8", rng.choice(("utf-16", "utf-7", "nonsense", "idna", "rot13", "ascii", "utf-8-sig", "hex", "zlib"))
            )
        case 2:
            depth = rng.choice((10, 1_000, 20_000))
            rest = rest.replace(call, "<a>" * depth + call + "</a>" * depth)
        case 3:
            rest = rest.replace("00Q000000000000AAA", _xml_text(rng.choice(NASTY_TEXTS)))
        case 4:
            rest = rest.replace(call, call * rng.choice((0, 2, 201)))
        case 5:
            rest = rest.replace("urn:", rng.choice(("", "x:", "urn:urn:", "soapenv:")), rng.randint(1, 12))
        case _:
            pass
    body = (declaration + rest).encode("utf-8", "surrogatepass")
    if rng.random() < 0.6:
        body = spoiled_bytes(rng, body)
    target = rng.choice((SOAP, SOAP, SOAP, f"{SOAP}/", f"{SOAP}/00D000000000001", "/services/Soap/u/66.0", "/services/Soap/c/59.0"))
    return [Request("POST", target, _XML, body)]


def _xml_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


# -- tokens

_GRANTS = ("client_credentials", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer", "refresh_token", "")


def _token_input(rng: random.Random) -> list[Request]:
    if rng.random() < 0.35:
        header = ("authorization", _authorization(rng))
        target = rng.choice((f"{DATA}/limits", "/services/oauth2/userinfo", f"{DATA}/query?q=SELECT+Id+FROM+Lead"))
        return [Request("GET", target, (header,))]
    form = {
        "grant_type": rng.choice(_GRANTS),
        "client_id": rng.choice(("key", "ключ", *NASTY_TEXTS[:20])),
        "client_secret": rng.choice(("secret", *NASTY_TEXTS[:20])),
        "username": rng.choice(("integration@local-org.example", *NASTY_TEXTS)),
        "password": rng.choice(("x", *NASTY_TEXTS)),
        "assertion": _assertion(rng),
    }
    for name in rng.sample(list(form), rng.randrange(3)):
        del form[name]
    body = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in form.items()).encode()
    if rng.random() < 0.5:
        body = spoiled_bytes(rng, body)
    headers = _FORM if rng.random() < 0.7 else (*_FORM, ("authorization", _authorization(rng)))
    return [Request("POST", "/services/oauth2/token", headers, body, signed_in=False)]


def _authorization(rng: random.Random) -> str:
    scheme = rng.choice(("Bearer", "OAuth", "Basic", "basic", "Digest", "", "Bearer Bearer", "\xff"))
    rest = rng.choice(("", " ", "x", "=" * 9, "00D000000000001!\xe9", "a" * 9_000, "{token}x", _assertion(rng)))
    if scheme.lower() == "basic" and rng.random() < 0.8:
        rest = base64.b64encode(rng.choice((b":", b"\xff:\xfe", b"key:", b"no colon", b"key:secret:more", b""))).decode()
    return f"{scheme} {rest[:9_000]}"


def _assertion(rng: random.Random) -> str:
    header: Any = {"alg": rng.choice(("RS256", "none", "HS256", "ES256", "PS512", 5, None)), "typ": "JWT"}
    claims: Any = {
        "iss": "key",
        "sub": "integration@local-org.example",
        "aud": rng.choice(("https://login.salesforce.com", [], {"a": 1}, "http://[", "//")),
        "exp": rng.choice((int(time.time()) + 60, 0, -1, 1e400, "soon", None, 10**30, [])),
    }
    if rng.random() < 0.5:
        header = spoiled_value(rng, {**header, "crit": ["b64"], "b64": False, "kid": "../key"})
    if rng.random() < 0.5:
        claims = spoiled_value(rng, claims)
    parts = [_segment(header), _segment(claims), base64.urlsafe_b64encode(rng.randbytes(rng.choice((0, 3, 256)))).decode()]
    text = ".".join(parts[: rng.choice((1, 2, 3, 3, 3, 3))])
    return spoiled_bytes(rng, text.encode()).decode("latin-1") if rng.random() < 0.3 else text


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


# -- SOQL

_QUERIES = (
    "SELECT Id , LastName , Owner . Name FROM Lead WHERE LastName = 'x' AND ( Company LIKE 'A%' OR IsConverted = false ) "
    "ORDER BY LastName DESC NULLS LAST LIMIT 10 OFFSET 2",
    "SELECT COUNT ( ) FROM Event WHERE StartDateTime >= LAST_N_DAYS : 30 AND Who . Type IN ( 'Lead' , 'Contact' )",
    "SELECT Status , COUNT ( Id ) n , MAX ( CreatedDate ) FROM Lead GROUP BY Status HAVING COUNT ( Id ) > 1 ORDER BY COUNT ( Id )",
    "SELECT FIELDS ( ALL ) FROM Contact WHERE AccountId IN ( SELECT Id FROM Account WHERE Name != null ) LIMIT 200",
    "SELECT Id , What . Name , TYPEOF Who WHEN Lead THEN Company ELSE Name END FROM Event WHERE EndDateTime < 2026-03-01T10:00:00Z",
    "SELECT Id , ( SELECT Id FROM Contacts ) FROM Account WHERE CreatedDate = TODAY AND NOT Name LIKE '_\\'%'",
    "SELECT Id FROM CampaignMember WHERE Campaign . Name NOT IN ( 'a' ) AND Lead . Company <> 'b' FOR VIEW",
    "SELECT CALENDAR_YEAR ( StartDateTime ) y FROM Event WHERE ActivityDate > 2026-01-01 GROUP BY CALENDAR_YEAR ( StartDateTime )",
    "SELECT toLabel ( Status ) , FORMAT ( CreatedDate ) FROM Lead WITH SECURITY_ENFORCED",
)
_WORDS = (
    *"SELECT FROM WHERE AND OR NOT IN LIKE ORDER BY GROUP HAVING LIMIT OFFSET NULLS FIRST ASC ( ) , . : = != < >= % * ;".split(),
    *"COUNT SUM MIN FIELDS DISTANCE GEOLOCATION CUBE ROLLUP GROUPING convertTimezone INCLUDES EXCLUDES TYPEOF END".split(),
    *"Id Name Lead Event Account Owner Who What IsDeleted CreatedDate __c 'a;b' '' ' null true TODAY LAST_N_DAYS".split(),
    *"0 -1 1e999 9999999999999999999 1.5.5 2026-02-30 0000-00-00 9999-12-31T23:59:59+99:99 2026-01-01T00:00:00Z".split(),
    *"LAST_N_YEARS:99999999 NEXT_N_DAYS:999999999999999999 LAST_N_FISCAL_QUARTERS:100000 '\\u0041' '\\q' '\\".split(),
    "\x00",
    "\ud800",
    "é",
    "٣",
    "\u2028",
    "--",
    "/*",
    "a" * 300,
)


def _soql_input(rng: random.Random) -> list[Request]:
    soql = _soql(rng)
    resource = rng.choice(("query", "query", "query", "queryAll"))
    if rng.random() < 0.1:
        body = json.dumps({"operation": resource, "query": soql}).encode()
        return [Request("POST", f"{DATA}/jobs/query", _JSON, body)]
    encoded = quote(soql.encode("utf-8", "surrogatepass"))
    if len(encoded) > 15_000:
        body = json.dumps({"operation": resource, "query": soql}).encode()
        return [Request("POST", f"{DATA}/jobs/query", _JSON, body)]
    return [Request("GET", f"{DATA}/{resource}?q={encoded}")]


def _soql(rng: random.Random) -> str:
    if rng.random() < 0.07:
        return _big_soql(rng)
    words = rng.choice(_QUERIES).split()
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(words) + 1)
        match rng.randrange(5):
            case 0:
                del words[at : at + 1]
            case 1:
                words.insert(at, rng.choice(_WORDS))
            case 2 if at < len(words):
                words[at] = rng.choice(_WORDS)
            case 3:
                words[at:at] = words[at : at + rng.randint(1, 6)]
            case _:
                rng.shuffle(words) if rng.random() < 0.1 else words.reverse() if rng.random() < 0.1 else None
    text = rng.choice((" ", " ", " ", "", "\n")).join(words)
    if rng.random() < 0.2:
        text = spoiled_bytes(rng, text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    return text


def _big_soql(rng: random.Random) -> str:
    size = rng.choice((30, 300, 3_000, 20_000))
    return rng.choice(
        (
            "SELECT Id FROM Lead WHERE " + "(" * size + "Id = null" + ")" * size,
            "SELECT Id FROM Lead WHERE " + "NOT " * size + "Id = null",
            "SELECT Id FROM Lead WHERE " + " OR ".join(["LastName = 'a'"] * size),
            "SELECT Id FROM Lead WHERE Id IN ('" + "','".join([_NOBODY] * size) + "')",
            "SELECT " + ", ".join(["Id"] * size) + " FROM Lead",
            "SELECT " + "Owner." * size + "Id FROM Lead",
            "SELECT Id FROM Lead WHERE LastName LIKE '" + "%a" * size + "'",
            "SELECT Id FROM Account WHERE Id IN (" * min(size, 400) + "SELECT Id FROM Lead" + ")" * min(size, 400),
            "SELECT Id, " + "(SELECT Id, " * min(size, 400) + "Name FROM Contacts" + ") FROM Contacts" * min(size, 400),
            "SELECT " + "MAX(" * size + "Id" + ")" * size + " FROM Lead",
            "SELECT Id FROM Lead WHERE LastName = '" + "\\'" * size,
            "SELECT Id FROM Lead ORDER BY " + ", ".join(["LastName DESC NULLS LAST"] * size),
            "SELECT Id FROM Lead LIMIT " + "9" * size,
            "SELECT Id FROM Lead WHERE NumberOfEmployees = " + "9" * size,
        )
    )


# -- addresses and headers

_PATHS = (
    "/services/data/v{}/sobjects/{}/{}",
    "/services/data/v{}/sobjects/{}/describe",
    "/services/data/v59.0/sobjects/{}/{}/{}",
    "/services/data/v59.0/sobjects/{}/{}/{}?_HttpMethod={}",
    "/services/data/v59.0/sobjects/Lead/updated?start={}&end={}",
    "/services/data/v59.0/sobjects/Lead/deleted?start={}&end={}",
    "/services/data/v59.0/query/{}",
    "/services/data/v59.0/query?q={}",
    "/services/data/v59.0/query/01g000000000001AAA-{}",
    "/services/data/v59.0/limits/recordCount?sObjects={}",
    "/services/data/v59.0/composite/sobjects?ids={}&allOrNone={}",
    "/services/data/v59.0/composite/sobjects/{}?ids={}&fields={}",
    "/services/data/v59.0/jobs/ingest/{}/{}",
    "/services/data/v59.0/jobs/query/{}/results?locator={}&maxRecords={}",
    "/services/data/v59.0/jobs/query/{}/resultPages",
    "/services/data/v59.0/jobs/ingest?queryLocator={}&jobType={}&isPkChunkingEnabled={}",
    "/services/data/v59.0/sobjects/Lead/00Q000000000000AAA?fields={}",
    "/services/data/{}",
    "/services/{}/{}",
    "/id/{}/{}",
    "/{}",
)
_PIECES = (
    "", ".", "..", "%2e%2e", "%00", "%ff", "%C3%28", "%ED%A0%80", "%2F", "%25", "%", "%zz", "Lead", "Event", KEY, "Id", "describe",
    "00Q000000000000AAA", "00Q", "01g000000000001AAA-0", "9" * 400, "-1", "59.0", "999.9", "v59.0", "1e5", "NaN",
    "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59",
    "2026-01-01", "20260101T000000", "%F0%9F%98%80", "a" * 3_000, ",", ",,,", "Id,Name,,Owner.Name", "'", "%27%20OR", "$", "*",
    "[a-z]", "(a+)+$", "null", "true", "DELETE", "PATCH", "&", "=", "?", "#", ";", "a=b&a=c", "%0d%0aX:1", "+", "\xe9", "{}", "{0}",
    "750000000000001AAA", "successfulResults", "batches", "unprocessedrecords",
)  # fmt: skip
_METHODS = ("GET", "GET", "GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get")


def _address_input(rng: random.Random) -> list[Request]:
    template = rng.choice(_PATHS)
    target = template.format(*(rng.choice(_PIECES) for _ in range(template.count("{}"))))
    if rng.random() < 0.2:
        target += rng.choice(("/", "//", "?", "??", "&", "?&=&", "/../x", "%"))
    body = b"" if rng.random() < 0.7 else rng.choice((b"{}", b"[]", b"x", b'{"LastName": 1}'))
    return [Request(rng.choice(_METHODS), target.replace("#", "%23").replace(" ", "%20"), _JSON, body)]


_HEADERS = (
    "Sforce-Query-Options", "Sforce-Duplicate-Rule-Header", "Sforce-Auto-Assign", "Sforce-Call-Options", "Sforce-Limit-Info",
    "Content-Type", "Content-Encoding", "Accept", "Accept-Encoding", "Accept-Language", "Host", "If-Modified-Since", "If-None-Match",
    "If-Match", "If-Unmodified-Since", "Range", "X-HTTP-Method-Override", "Cookie", "X-SFDC-Session", "Sforce-Locator", "Expect", "Origin",
    "X-PrettyPrint", "SOAPAction", "Sforce-Mru", "Package-Version", "Transfer-Encoding",
)  # fmt: skip
_HEADER_VALUES = (
    "", "batchSize=", "batchSize=999999999999", "batchSize=-5", "batchSize=200,batchSize=2000", "batchSize=٣", "allowSave=true;x",
    "allowSave", "TRUE", "false", "null", "text/csv", "text/csv; charset=utf-99", "application/json; charset=utf-16",
    "multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="', "gzip", "br, gzip;q=x", "*/*", "[::1",
    "a b", "\xff\xfe", "x" * 5_000, "http://x/../", "127.0.0.1:99999999", "Thu, 32 Foo 2026 99:99:99 GMT", "bytes=0-", "100-continue",
    ";;;=", 'a="', "deflate", "zlib", "identity, gzip", "application/xml", "client=x;defaultNamespace=y", "W/\"x\"", "01Q000000000001",
)  # fmt: skip


def _gzip_input(rng: random.Random) -> list[Request]:
    content = rng.choice((b'{"LastName": "Doe"}', b"", b"x" * 1_000, bytes(60_000_000) if rng.random() < 0.02 else b"{}"))
    packed = rng.choice((gzip.compress, zlib.compress))(content)
    body = rng.choice((spoiled_bytes(rng, packed), packed, packed * 2, packed[:-4], gzip.compress(packed)))
    encoding = rng.choice(("gzip", "x-gzip", "deflate", "br", "gzip, gzip", "GZIP", "identity", "zstd"))
    method, path, headers = rng.choice(
        (
            ("POST", "/sobjects/Lead", _JSON),
            ("POST", "/composite/sobjects", _JSON),
            ("PUT", "/jobs/ingest/750000000000001AAA/batches", _CSV),
            ("POST", "/jobs/ingest", _JSON),
        )
    )
    accepted = rng.choice(("gzip", "gzip;q=0", "gzip;q=\u00b2", "*;q=", ",,,", "identity"))
    coding = (("content-encoding", encoding), ("accept-encoding", accepted))
    return [Request(method, DATA + path, (*headers, *coding), body)]


def _header_input(rng: random.Random) -> list[Request]:
    spoilt = tuple(
        (name, rng.choice(_HEADER_VALUES).encode("latin-1", "replace").decode("latin-1"))
        for name in rng.sample(_HEADERS, rng.randint(1, 4))
    )
    gone = {name.lower() for name, _ in spoilt}
    method, path, headers, body = rng.choice(
        (
            ("GET", "/query?q=SELECT+Id,LastName+FROM+Lead", (), b""),
            ("POST", "/sobjects/Lead", _JSON, b'{"LastName": "Doe"}'),
            ("POST", "/composite/sobjects", _JSON, json.dumps({"records": [_EVENT]}).encode()),
            ("POST", "/jobs/ingest", _JSON, b'{"object": "Lead", "operation": "insert"}'),
            ("PUT", "/jobs/ingest/750000000000001AAA/batches", _CSV, b"LastName\nx\n"),
            ("GET", "/limits", (), b""),
            ("GET", "/sobjects/Lead/describe", (), b""),
        )
    )
    kept = tuple((name, value) for name, value in headers if name.lower() not in gone)
    return [Request(method, DATA + path, (*kept, *spoilt), body)]


# -- multipart


def _multipart_input(rng: random.Random) -> list[Request]:
    boundary = rng.choice(("BOUND", "-", "a b", "x" * 70, "\xe9", "'"))
    job = json.dumps({"object": "Lead", "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}).encode()
    if rng.random() < 0.4:
        job = spoiled_bytes(rng, job)
    content = b"LastName,Company\nDoe,Acme\n"
    if rng.random() < 0.4:
        content = rng.choice((b"", b"x" * 100_001, b"\xff\n", b"LastName\r\nx\r\n", spoiled_bytes(rng, content)))
    mark = b"--" + boundary.encode("latin-1")
    parts = [
        b'Content-Type: application/json\r\nContent-Disposition: form-data; name="job"\r\n\r\n' + job,
        b'Content-Type: text/csv\r\nContent-Disposition: form-data; name="content"; filename="c"\r\n\r\n' + content,
    ]
    rng.shuffle(parts)
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts[: rng.choice((0, 1, 2, 2, 2))]) + mark + b"--\r\n"
    if rng.random() < 0.7:
        body = spoiled_bytes(rng, body)
    value = rng.choice((f"multipart/form-data; boundary={boundary}", f'multipart/form-data; boundary="{boundary}"', "multipart/"))
    return [Request("POST", f"{DATA}/jobs/ingest", (("content-type", value),), body)]


# -- control endpoints and setup documents

_SETUP = {
    "person_accounts": True,
    "multiday_events": False,
    "activity_sharing": "private",
    "users": {
        "integration@local-org.example": {
            "permissions": ["ApiEnabled"],
            "fields": {"Lead": {"Company": "hidden"}},
            "objects": {"Lead": ["read"]},
            "above": ["x"],
        }
    },
    "record_types": [{"sobject": "Account", "developer_name": "P", "name": "P", "person": True, "default": True}],
    "duplicate_rules": [
        {"name": "d", "sobject": "Lead", "matching_rules": [{"name": "m", "sobject": "Contact", "fields": {"Email": "Email"}}]}
    ],
    "assignment_rules": [{"name": "a", "entries": [{"conditions": [{"field": "Company", "value": "x"}], "owner": "nobody"}]}],
    "default_lead_owner": "integration@local-org.example",
    "validation_rules": [
        {"name": "v", "sobject": "Lead", "message": "no", "conditions": [{"field": "LastName", "operator": "is_blank"}]}
    ],
}
_CONTROL: tuple[tuple[str, str, Any], ...] = (
    ("PUT", "setup", _SETUP),
    ("PUT", "setup", _SETUP),
    ("PUT", "setup", _SETUP),
    ("POST", "faults", [{"type": "respond", "kind": "query", "nth": 2, "times": 1, "status": 503}]),
    ("POST", "faults", [{"type": "lock_rows", "sobject": "Lead", "values": ["x"], "times": None}]),
    ("POST", "faults", [{"type": "fail_job", "after_rows": 1, "sobject": "Lead", "operation": "insert"}]),
    ("POST", "clock", {"set": "2026-03-01T10:00:00Z", "advance_seconds": 5, "freeze": True, "reset": False}),
    ("POST", "limits", {"DailyApiRequests": {"Max": 5, "Used": 1}}),
    ("POST", "paging", {"page_rows": 50}),
    ("POST", "convert", {"lead_id": "{lead}", "account_id": "{account}", "contact_id": "{contact}", "as_user": "x"}),
    ("POST", "convert", {"lead_id": "{lead}", "account_id": "{account}"}),
    ("POST", "merge", {"sobject": "Contact", "master_id": "{contact}", "loser_ids": ["{contact}"]}),
    ("POST", "merge", {"sobject": "Account", "master_id": "{account}", "loser_ids": ["{contact}"]}),
    ("POST", "delete", {"sobject": "Lead", "ids": ["{lead}"]}),
    ("POST", "records/Lead", [{"LastName": "Doe", "Company": "Acme"}]),
    ("POST", "records/Event", {"rows": [_plain(_EVENT)], "operation": "upsert", "external_id": "Id"}),
    ("GET", "records/Lead?offset={}&limit={}&include_deleted={}", None),
    ("DELETE", "faults/{}", None),
    ("POST", "drain?timeout={}", None),
)


_UNDO: dict[str, tuple[str, str, Any]] = {
    "faults": ("DELETE", "faults", None),
    "clock": ("POST", "clock", {"reset": True}),
    "limits": ("POST", "limits", {"DailyApiRequests": {"Max": 100_000, "Used": 0}, "DataStorageMB": {"Max": 10_240}}),
}


def _control_input(rng: random.Random) -> list[Request]:
    method, path, body = rng.choice(_CONTROL)
    requests = _after_setup(rng) if path == "setup" else []
    if path in _UNDO:
        verb, undone, content = _UNDO[path]
        requests = [Request(verb, f"/__emulator__/{undone}", _JSON, b"" if content is None else json.dumps(content).encode())]
    return [_control_request(rng, method, path, body), *requests]


def _after_setup(rng: random.Random) -> list[Request]:
    """Return what is asked of an org that may have taken a strange setup."""
    return [
        *_value_input(rng),
        Request("GET", f"{DATA}/query?q={quote(rng.choice(_QUERIES))}"),
        Request("GET", f"{DATA}/sobjects/{rng.choice(_SOBJECTS)}/describe"),
        Request("POST", "/__emulator__/convert", _JSON, b'{"lead_id": "{lead}"}'),
        Request("GET", f"{DATA}/sobjects"),
    ]


def _control_request(rng: random.Random, method: str, path: str, body: Any) -> Request:
    if "drain" in path:
        pieces = ["-1" if rng.random() < 0.5 else "x"]
    else:
        pieces = [rng.choice(_PIECES).replace("#", "").replace("?", "") for _ in range(path.count("{}"))]
    content = b"" if body is None else _json_body(rng, body)
    return Request(method, "/__emulator__/" + path.format(*pieces), _JSON, content, signed_in=False)


FAMILIES: dict[str, Maker] = {
    "json": _json_input,
    "values": _value_input,
    "csv": _csv_input,
    "xml": _xml_input,
    "tokens": _token_input,
    "soql": _soql_input,
    "addresses": _address_input,
    "headers": _header_input,
    "gzip": _gzip_input,
    "multipart": _multipart_input,
    "control": _control_input,
}
