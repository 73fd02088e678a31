"""Malformed input of every kind the local org reads, each piece made from its family and number alone.

``make(family, number)`` is the same in every run, so that the input a failure names can be made again. A family starts
from requests that are right and spoils them: in the structure, in single values, in the bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.emulator.asgi_driver import Request
from tests.emulator.malformed.addresses import address_input, gzip_input, header_input
from tests.emulator.malformed.control import control_input
from tests.emulator.malformed.queries import soql_input
from tests.emulator.malformed.sign_in import token_input, xml_input
from tests.emulator.malformed.writes import csv_input, json_input, multipart_input, value_input

Maker = Callable[[random.Random], list[Request]]

FAMILIES: dict[str, Maker] = {
    "json": json_input,
    "values": value_input,
    "csv": csv_input,
    "xml": xml_input,
    "tokens": token_input,
    "soql": soql_input,
    "addresses": address_input,
    "headers": header_input,
    "gzip": gzip_input,
    "multipart": multipart_input,
    "control": control_input,
}


def make(family: str, number: int) -> list[Request]:
    """Return the requests of one malformed input; all but the last are there to bring the last one about."""
    return FAMILIES[family](random.Random(f"malformed {family} {number}"))
