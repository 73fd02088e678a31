"""How what is right is spoiled: single values, the structure around them, the bytes."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.emulator.asgi_driver import Headers

KEY = "Coconut_Client_Key__c"
SOAP = "/services/Soap/u/59.0"
NOBODY = "00Q000000000000AAA"
JSON: Headers = (("content-type", "application/json"),)
CSV: Headers = (("content-type", "text/csv"),)
XML: Headers = (("content-type", "text/xml"), ("soapaction", '""'))
FORM: Headers = (("content-type", "application/x-www-form-urlencoded"),)
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
NASTY_BYTES = (
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


def spoiled_bytes(rng: random.Random, content: bytes) -> bytes:
    """Cut, repeat, flip, insert and drop bytes, a few times."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                del data[at:]
            case 1:
                data[at:at] = rng.choice(NASTY_BYTES)
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


def json_body(rng: random.Random, value: Any) -> bytes:
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
