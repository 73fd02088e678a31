"""What no HTTP library would send: broken requests through a real socket leave the local org as it was."""

from __future__ import annotations

import random
import re
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.emulator.malformed.spoiling import spoiled_bytes
from tests.local_org import DATA, TIMEOUT_SECONDS, LocalOrg

pytestmark = pytest.mark.rule("P3")
_INPUTS = 800
_STATUS = re.compile(rb"^HTTP/1\.1 (\d{3})", re.MULTILINE)
_LEAD = b'{"LastName": "Doe", "Company": "Acme"}'


def _request(target: str, *headers: str, method: str = "POST", version: str = "HTTP/1.1") -> bytes:
    lines = (f"{method} {target} {version}", "Host: localhost", "Authorization: Bearer {token}", *headers)
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"


def _create(*headers: str) -> bytes:
    return _request(f"{DATA}/sobjects/Account", "Content-Type: application/json", *headers)


def _upload(*headers: str) -> bytes:
    return _request(f"{DATA}/jobs/ingest/{{job}}/batches", "Content-Type: text/csv", *headers, method="PUT")


def _wrong_length(rng: random.Random) -> bytes:
    length = rng.choice(
        ("0", "1", "99", "-1", "x", "", "1e3", "9" * 30, "5, 5", "5, 6", "٣".encode().decode("latin-1"))
    )
    return rng.choice((_create, _upload))(f"Content-Length: {length}") + _LEAD


def _two_lengths(rng: random.Random) -> bytes:
    other = rng.choice(
        ("Content-Length: 3", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked")
    )
    return _create(f"Content-Length: {len(_LEAD)}", other) + _LEAD


def _broken_chunks(rng: random.Random) -> bytes:
    chunks = rng.choice(
        (
            b"5\r\nabc",
            b"zz\r\n",
            b"-1\r\n",
            b"ffffffffffffffff\r\nx",
            b"3\r\nabcXX",
            b"3;" + b"x" * 9_000,
            b"\r\n",
        )
    )
    return rng.choice((_create, _upload))("Transfer-Encoding: chunked") + chunks


def _cut_off(rng: random.Random) -> bytes:
    whole = _create(f"Content-Length: {len(_LEAD)}") + _LEAD
    return whole[: rng.randrange(len(whole))]


def _half_upload(rng: random.Random) -> bytes:
    return _upload("Content-Length: 1000000") + b"LastName,Company\n" + b"Doe,Acme\n" * rng.randrange(50_000)


def _odd_head(rng: random.Random) -> bytes:
    return rng.choice(
        (
            _request("*", method="OPTIONS"),
            _request("http://elsewhere.example/services/data", method="GET"),
            _request("localhost:1", method="CONNECT"),
            _request(f"{DATA}/limits", method="GET", version="HTTP/0.9"),
            _request(f"{DATA}/limits", method="GET", version="HTTP/2.0"),
            _request(f"{DATA}/limits", method="GET", version="ICY"),
            _request(f"{DATA}/li\x00mits", method="GET"),
            _request(f"{DATA}/li\xe9mits?q=\xff", method="GET"),
            _request(f"{DATA}/limits", "X: a\x00b", method="GET"),
            _request(f"{DATA}/limits", "X : y", "\xff: z", method="GET"),
            _request(f"{DATA}/limits", " folded", method="GET"),
            _request(f"{DATA}/limits", "X: " + "x" * 300_000, method="GET"),
            _request(f"{DATA}/limits", *(f"X{n}: y" for n in range(5_000)), method="GET"),
            _request(f"{DATA}/query?q=" + "x" * 400_000, method="GET"),
            _request(
                f"{DATA}/limits", "Upgrade: h2c", "Connection: Upgrade", "HTTP2-Settings: x", method="GET"
            ),
            _request(f"{DATA}/limits", "Upgrade: websocket", "Connection: Upgrade", method="GET"),
            _create("Expect: 100-continue", "Content-Length: 5"),
            _create("Expect: nonsense", "Content-Length: 2") + b"{}",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(200),
            b"\r\n" * 2_000,
            b"GET",
            b"",
        )
    )


def _noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((1, 30, 3_000)))


def _spoiled(rng: random.Random) -> bytes:
    return spoiled_bytes(rng, _create(f"Content-Length: {len(_LEAD)}") + _LEAD)


def _pipelined(rng: random.Random) -> bytes:
    good = _request(f"{DATA}/limits", method="GET")
    return good * rng.randint(2, 5) + rng.choice((_noise, _odd_head))(rng)


_MAKERS: tuple[Callable[[random.Random], bytes], ...] = (
    _wrong_length,
    _two_lengths,
    _broken_chunks,
    _cut_off,
    _half_upload,
    _odd_head,
    _odd_head,
    _noise,
    _spoiled,
    _pipelined,
)


def _exchange(org: LocalOrg, content: bytes, rng: random.Random) -> bytes:
    """Send it whole or in pieces, end it well or badly, and return all that comes back."""
    address = urlsplit(org.url)
    with socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            size = rng.choice((len(content) or 1, max(1, len(content) // 7)))
            for start in range(0, len(content), size):
                connection.sendall(content[start : start + size])
            if rng.random() < 0.15:  # a reset instead of an end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b""))
        except TimeoutError:
            raise
        except OSError:  # the org hung up in the middle
            return b""


def test_broken_http_never_makes_the_org_fail_or_stop(org: LocalOrg) -> None:
    job = org.call(
        "POST", "/jobs/ingest", json={"object": "Lead", "operation": "insert", "lineEnding": "LF"}
    ).json()
    for number in range(_INPUTS):
        rng = random.Random(f"broken http {number}")
        content = rng.choice(_MAKERS)(rng)
        content = content.replace(b"{token}", org.token.encode()).replace(b"{job}", job["id"].encode())
        for status in map(int, _STATUS.findall(_exchange(org, content, rng))):
            assert status < 500 or status == 501, f"input {number}: {content[:400]!r} -> {status}"
    assert org.is_running
    assert org.control("GET", "health")["status"] == "ok"
    state = org.call("GET", f"/jobs/ingest/{job['id']}").json()["state"]
    assert state == "Open"
    assert org.query("SELECT Id FROM Lead") == []
    assert org.call("POST", "/sobjects/Lead", data=_LEAD, headers={"Content-Type": "application/json"}).ok


def test_an_upload_that_was_never_finished_does_not_count(
    start_org: Callable[..., LocalOrg], tmp_path: Path
) -> None:
    data = str(tmp_path / "org.db")
    org = start_org("--data", data)
    job = org.call(
        "POST", "/jobs/ingest", json={"object": "Lead", "operation": "insert", "lineEnding": "LF"}
    ).json()
    content = _half_upload(random.Random("half")).replace(b"{token}", org.token.encode())
    _exchange(org, content.replace(b"{job}", job["id"].encode()), random.Random("whole"))
    upload = f"/jobs/ingest/{job['id']}/batches"
    answer = org.call(
        "PUT", upload, data="LastName,Company\nDoe,Acme\n", headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 201
    assert org.call("PATCH", f"/jobs/ingest/{job['id']}", json={"state": "UploadComplete"}).ok
    org.control("POST", "drain")
    assert len(org.query("SELECT Id FROM Lead")) == 1
