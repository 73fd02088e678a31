"""SOQL: queries with words dropped, doubled, swapped and strewn in, and ones far too large."""

from __future__ import annotations

import json
import random
from urllib.parse import quote

from tests.emulator.asgi_driver import Request
from tests.emulator.malformed.spoiling import (
    JSON,
    NOBODY,
    spoiled_bytes,
)
from tests.local_org import DATA

QUERIES = (
    "SELECT Id , LastName , Owner . Name FROM Lead WHERE LastName = 'x' AND ( Company LIKE 'A%' OR "
    "IsConverted = false ) "
    "ORDER BY LastName DESC NULLS LAST LIMIT 10 OFFSET 2",
    "SELECT COUNT ( ) FROM Event WHERE StartDateTime >= LAST_N_DAYS : 30 AND Who . Type IN ( 'Lead' "
    ", 'Contact' )",
    "SELECT Status , COUNT ( Id ) n , MAX ( CreatedDate ) FROM Lead GROUP BY Status HAVING COUNT ( "
    "Id ) > 1 ORDER BY COUNT ( Id )",
    "SELECT FIELDS ( ALL ) FROM Contact WHERE AccountId IN ( SELECT Id FROM Account WHERE Name != "
    "null ) LIMIT 200",
    "SELECT Id , What . Name , TYPEOF Who WHEN Lead THEN Company ELSE Name END FROM Event WHERE "
    "EndDateTime < 2026-03-01T10:00:00Z",
    "SELECT Id , ( SELECT Id FROM Contacts ) FROM Account WHERE CreatedDate = TODAY AND NOT Name LIKE '_\\'%'",
    "SELECT Id FROM CampaignMember WHERE Campaign . Name NOT IN ( 'a' ) AND Lead . Company <> 'b' FOR VIEW",
    "SELECT CALENDAR_YEAR ( StartDateTime ) y FROM Event WHERE ActivityDate > 2026-01-01 GROUP BY "
    "CALENDAR_YEAR ( StartDateTime )",
    "SELECT toLabel ( Status ) , FORMAT ( CreatedDate ) FROM Lead WITH SECURITY_ENFORCED",
)
_WORDS = (
    *[
        "SELECT",
        "FROM",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "LIKE",
        "ORDER",
        "BY",
        "GROUP",
        "HAVING",
        "LIMIT",
        "OFFSET",
        "NULLS",
        "FIRST",
        "ASC",
        "(",
        ")",
        ",",
        ".",
        ":",
        "=",
        "!=",
        "<",
        ">=",
        "%",
        "*",
        ";",
    ],
    *[
        "COUNT",
        "SUM",
        "MIN",
        "FIELDS",
        "DISTANCE",
        "GEOLOCATION",
        "CUBE",
        "ROLLUP",
        "GROUPING",
        "convertTimezone",
        "INCLUDES",
        "EXCLUDES",
        "TYPEOF",
        "END",
    ],
    *[
        "Id",
        "Name",
        "Lead",
        "Event",
        "Account",
        "Owner",
        "Who",
        "What",
        "IsDeleted",
        "CreatedDate",
        "__c",
        "'a;b'",
        "''",
        "'",
        "null",
        "true",
        "TODAY",
        "LAST_N_DAYS",
    ],
    *[
        "0",
        "-1",
        "1e999",
        "9999999999999999999",
        "1.5.5",
        "2026-02-30",
        "0000-00-00",
        "9999-12-31T23:59:59+99:99",
        "2026-01-01T00:00:00Z",
    ],
    *[
        "LAST_N_YEARS:99999999",
        "NEXT_N_DAYS:999999999999999999",
        "LAST_N_FISCAL_QUARTERS:100000",
        "'\\u0041'",
        "'\\q'",
        "'\\",
    ],
    "\x00",
    "\ud800",
    "é",
    "٣",
    "\u2028",
    "--",
    "/*",
    "a" * 300,
)


def soql_input(rng: random.Random) -> list[Request]:
    soql = _soql(rng)
    resource = rng.choice(("query", "query", "query", "queryAll"))
    if rng.random() < 0.1:
        body = json.dumps({"operation": resource, "query": soql}).encode()
        return [Request("POST", f"{DATA}/jobs/query", JSON, body)]
    encoded = quote(soql.encode("utf-8", "surrogatepass"))
    if len(encoded) > 15_000:
        body = json.dumps({"operation": resource, "query": soql}).encode()
        return [Request("POST", f"{DATA}/jobs/query", JSON, body)]
    return [Request("GET", f"{DATA}/{resource}?q={encoded}")]


def _soql(rng: random.Random) -> str:
    if rng.random() < 0.07:
        return _big_soql(rng)
    words = rng.choice(QUERIES).split()
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
            "SELECT Id FROM Lead WHERE Id IN ('" + "','".join([NOBODY] * size) + "')",
            "SELECT " + ", ".join(["Id"] * size) + " FROM Lead",
            "SELECT " + "Owner." * size + "Id FROM Lead",
            "SELECT Id FROM Lead WHERE LastName LIKE '" + "%a" * size + "'",
            "SELECT Id FROM Account WHERE Id IN (" * min(size, 400)
            + "SELECT Id FROM Lead"
            + ")" * min(size, 400),
            "SELECT Id, "
            + "(SELECT Id, " * min(size, 400)
            + "Name FROM Contacts"
            + ") FROM Contacts" * min(size, 400),
            "SELECT " + "MAX(" * size + "Id" + ")" * size + " FROM Lead",
            "SELECT Id FROM Lead WHERE LastName = '" + "\\'" * size,
            "SELECT Id FROM Lead ORDER BY " + ", ".join(["LastName DESC NULLS LAST"] * size),
            "SELECT Id FROM Lead LIMIT " + "9" * size,
            "SELECT Id FROM Lead WHERE NumberOfEmployees = " + "9" * size,
        )
    )
