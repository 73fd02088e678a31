"""Addresses, headers and compressed bodies."""

from __future__ import annotations

import gzip
import json
import random
import zlib

from tests.emulator.asgi_driver import Request
from tests.emulator.malformed.spoiling import (
    CSV,
    JSON,
    KEY,
    spoiled_bytes,
)
from tests.emulator.malformed.writes import EVENT
from tests.local_org import DATA

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
PIECES = (
    "",
    ".",
    "..",
    "%2e%2e",
    "%00",
    "%ff",
    "%C3%28",
    "%ED%A0%80",
    "%2F",
    "%25",
    "%",
    "%zz",
    "Lead",
    "Event",
    KEY,
    "Id",
    "describe",
    "00Q000000000000AAA",
    "00Q",
    "01g000000000001AAA-0",
    "9" * 400,
    "-1",
    "59.0",
    "999.9",
    "v59.0",
    "1e5",
    "NaN",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00+00:00",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-01-01",
    "20260101T000000",
    "%F0%9F%98%80",
    "a" * 3_000,
    ",",
    ",,,",
    "Id,Name,,Owner.Name",
    "'",
    "%27%20OR",
    "$",
    "*",
    "[a-z]",
    "(a+)+$",
    "null",
    "true",
    "DELETE",
    "PATCH",
    "&",
    "=",
    "?",
    "#",
    ";",
    "a=b&a=c",
    "%0d%0aX:1",
    "+",
    "\xe9",
    "{}",
    "{0}",
    "750000000000001AAA",
    "successfulResults",
    "batches",
    "unprocessedrecords",
)
_METHODS = ("GET", "GET", "GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get")


def address_input(rng: random.Random) -> list[Request]:
    template = rng.choice(_PATHS)
    target = template.format(*(rng.choice(PIECES) for _ in range(template.count("{}"))))
    if rng.random() < 0.2:
        target += rng.choice(("/", "//", "?", "??", "&", "?&=&", "/../x", "%"))
    body = b"" if rng.random() < 0.7 else rng.choice((b"{}", b"[]", b"x", b'{"LastName": 1}'))
    return [Request(rng.choice(_METHODS), target.replace("#", "%23").replace(" ", "%20"), JSON, body)]


_HEADERS = (
    "Sforce-Query-Options",
    "Sforce-Duplicate-Rule-Header",
    "Sforce-Auto-Assign",
    "Sforce-Call-Options",
    "Sforce-Limit-Info",
    "Content-Type",
    "Content-Encoding",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Host",
    "If-Modified-Since",
    "If-None-Match",
    "If-Match",
    "If-Unmodified-Since",
    "Range",
    "X-HTTP-Method-Override",
    "Cookie",
    "X-SFDC-Session",
    "Sforce-Locator",
    "Expect",
    "Origin",
    "X-PrettyPrint",
    "SOAPAction",
    "Sforce-Mru",
    "Package-Version",
    "Transfer-Encoding",
)
_HEADER_VALUES = (
    "",
    "batchSize=",
    "batchSize=999999999999",
    "batchSize=-5",
    "batchSize=200,batchSize=2000",
    "batchSize=٣",
    "allowSave=true;x",
    "allowSave",
    "TRUE",
    "false",
    "null",
    "text/csv",
    "text/csv; charset=utf-99",
    "application/json; charset=utf-16",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary="',
    "gzip",
    "br, gzip;q=x",
    "*/*",
    "[::1",
    "a b",
    "\xff\xfe",
    "x" * 5_000,
    "http://x/../",
    "127.0.0.1:99999999",
    "Thu, 32 Foo 2026 99:99:99 GMT",
    "bytes=0-",
    "100-continue",
    ";;;=",
    'a="',
    "deflate",
    "zlib",
    "identity, gzip",
    "application/xml",
    "client=x;defaultNamespace=y",
    'W/"x"',
    "01Q000000000001",
)


def gzip_input(rng: random.Random) -> list[Request]:
    content = rng.choice(
        (b'{"LastName": "Doe"}', b"", b"x" * 1_000, bytes(60_000_000) if rng.random() < 0.02 else b"{}")
    )
    packed = rng.choice((gzip.compress, zlib.compress))(content)
    body = rng.choice((spoiled_bytes(rng, packed), packed, packed * 2, packed[:-4], gzip.compress(packed)))
    encoding = rng.choice(("gzip", "x-gzip", "deflate", "br", "gzip, gzip", "GZIP", "identity", "zstd"))
    method, path, headers = rng.choice(
        (
            ("POST", "/sobjects/Lead", JSON),
            ("POST", "/composite/sobjects", JSON),
            ("PUT", "/jobs/ingest/750000000000001AAA/batches", CSV),
            ("POST", "/jobs/ingest", JSON),
        )
    )
    accepted = rng.choice(("gzip", "gzip;q=0", "gzip;q=\u00b2", "*;q=", ",,,", "identity"))
    coding = (("content-encoding", encoding), ("accept-encoding", accepted))
    return [Request(method, DATA + path, (*headers, *coding), body)]


def header_input(rng: random.Random) -> list[Request]:
    spoilt = tuple(
        (name, rng.choice(_HEADER_VALUES).encode("latin-1", "replace").decode("latin-1"))
        for name in rng.sample(_HEADERS, rng.randint(1, 4))
    )
    gone = {name.lower() for name, _ in spoilt}
    method, path, headers, body = rng.choice(
        (
            ("GET", "/query?q=SELECT+Id,LastName+FROM+Lead", (), b""),
            ("POST", "/sobjects/Lead", JSON, b'{"LastName": "Doe"}'),
            ("POST", "/composite/sobjects", JSON, json.dumps({"records": [EVENT]}).encode()),
            ("POST", "/jobs/ingest", JSON, b'{"object": "Lead", "operation": "insert"}'),
            ("PUT", "/jobs/ingest/750000000000001AAA/batches", CSV, b"LastName\nx\n"),
            ("GET", "/limits", (), b""),
            ("GET", "/sobjects/Lead/describe", (), b""),
        )
    )
    kept = tuple((name, value) for name, value in headers if name.lower() not in gone)
    return [Request(method, DATA + path, (*kept, *spoilt), body)]
