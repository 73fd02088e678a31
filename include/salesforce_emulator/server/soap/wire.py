"""The envelopes of the partner SOAP API: what a request asks, and the XML of answers and faults.

Elements and their order: the partner WSDL (as generated clients such as jsforce carry it). Faults: answers of orgs that
the tests of public clients recorded (`<faultcode>sf:CODE</faultcode>`, `CODE: message`, a typed detail).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TypeAlias, Union
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault

_ENVELOPE_URI = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NIL = f"{{{_XSI}}}nil"
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Content: TypeAlias = Union[str, bool, int, "Sequence[Node]", None]
Node: TypeAlias = tuple[str, Content]
"""An element of an answer: its name and its text, its children, or None for ``xsi:nil``."""


class FaultType(StrEnum):
    """The fault types of the partner WSDL that the org uses; a client tells them apart by ``xsi:type``."""

    LOGIN = "LoginFault"
    INVALID_ID = "InvalidIdFault"
    INVALID_FIELD = "InvalidFieldFault"
    INVALID_SOBJECT = "InvalidSObjectFault"
    UNEXPECTED = "UnexpectedErrorFault"


_TYPES = {
    "MALFORMED_ID": FaultType.INVALID_ID,
    "INVALID_ID_FIELD": FaultType.INVALID_ID,
    "INVALID_FIELD": FaultType.INVALID_FIELD,
    "INVALID_TYPE": FaultType.INVALID_SOBJECT,
    "NOT_FOUND": FaultType.INVALID_SOBJECT,
}


class LoginFault(SalesforceFault):
    """``login`` is refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, code, message)


@dataclass(frozen=True, slots=True)
class SoapCall:
    """What an envelope asks.

    Attributes:
        name: the operation, such as ``convertLead``.
        operation: its element, whose children are the arguments.
        session_id: of SessionHeader; empty if there is none.
        all_or_none: of AllOrNoneHeader.
        allow_save: of DuplicateRuleHeader.
    """

    name: str
    operation: Element
    session_id: str
    all_or_none: bool
    allow_save: bool


def read_call(body: bytes) -> SoapCall:
    """Read an envelope; names count without their namespace, because clients write several.

    Raises:
        SalesforceFault: SOAP_PARSE_ERROR, it is no envelope with an operation.
    """
    try:
        envelope: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise _unreadable("the envelope is not well-formed XML") from error
    content = child(envelope, "Body")
    if local_name(envelope) != "Envelope" or content is None or not len(content):
        raise _unreadable("the request is not a SOAP envelope whose Body holds an operation")
    header = child(envelope, "Header")
    return SoapCall(
        name=local_name(content[0]),
        operation=content[0],
        session_id=_in_header(header, "SessionHeader", "sessionId"),
        all_or_none=_in_header(header, "AllOrNoneHeader", "allOrNone") in ("true", "1"),
        allow_save=_in_header(header, "DuplicateRuleHeader", "allowSave") in ("true", "1"),
    )


def _unreadable(message: str) -> SalesforceFault:
    return SalesforceFault(HTTPStatus.BAD_REQUEST, "SOAP_PARSE_ERROR", message)


def _in_header(header: Element | None, block: str, name: str) -> str:
    found = None if header is None else child(header, block)
    return "" if found is None else text(found, name) or ""


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child(parent: Element, name: str) -> Element | None:
    """Return the first child of that name."""
    return next((element for element in parent if local_name(element) == name), None)


def children(parent: Element, name: str) -> list[Element]:
    """Return every child of that name."""
    return [element for element in parent if local_name(element) == name]


def text(parent: Element, name: str) -> str | None:
    """Return the text of a child without outer blanks; None if it is missing, nil or empty."""
    found = child(parent, name)
    return None if found is None else text_of(found)


def text_of(element: Element) -> str | None:
    """Return an element's text without outer blanks; None if it is nil or empty."""
    if is_nil(element):
        return None
    return (element.text or "").strip() or None


def is_nil(element: Element) -> bool:
    """Whether an element says that it has no value."""
    return element.get(_NIL) in ("true", "1")


def flag(parent: Element, name: str) -> bool:
    """Return a boolean child; false if it is missing."""
    return text(parent, name) in ("true", "1")


def answer(operation: str, results: Sequence[Content], *, usage: tuple[int, int] | None = None) -> Response:
    """Return a call's results; ``usage`` is what was used of the day's requests, and their number."""
    header = "" if usage is None else _xml("soapenv:Header", [("LimitInfoHeader", [_limit_info(*usage)])])
    body = _xml("soapenv:Body", [(f"{operation}Response", [("result", result) for result in results])])
    return _envelope('xmlns="urn:partner.soap.sforce.com"', header + body, HTTPStatus.OK)


def _limit_info(used: int, maximum: int) -> Node:
    return ("limitInfo", [("current", used), ("limit", maximum), ("type", "API REQUESTS")])


def tell_fault(fault: SalesforceFault) -> Response:
    """Return a fault, with 400 where Salesforce answers 500: a 500 of this server always is a defect of its own."""
    name = FaultType.LOGIN if isinstance(fault, LoginFault) else _TYPES.get(fault.code, FaultType.UNEXPECTED)
    detail = _xml("sf:exceptionCode", fault.code) + _xml("sf:exceptionMessage", fault.message)
    body = (
        "<soapenv:Body><soapenv:Fault>"
        + _xml("faultcode", f"sf:{fault.code}")
        + _xml("faultstring", f"{fault.code}: {fault.message}")
        + f'<detail><sf:{name} xsi:type="sf:{name}">{detail}</sf:{name}></detail>'
        + "</soapenv:Fault></soapenv:Body>"
    )
    is_ours = fault.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR  # a defect, not implemented, or scripted
    status = fault.http_status if is_ours else HTTPStatus.BAD_REQUEST
    return _envelope('xmlns:sf="urn:fault.partner.soap.sforce.com"', body, status)


def _envelope(namespace: str, content: str, status: int) -> Response:
    return Response(
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE_URI}" {namespace} xmlns:xsi="{_XSI}">'
        f"{content}</soapenv:Envelope>",
        status_code=status,
        media_type="text/xml;charset=UTF-8",
    )


def _xml(name: str, content: Content) -> str:
    match content:
        case None:
            return f'<{name} xsi:nil="true"/>'
        case bool():
            return f"<{name}>{str(content).lower()}</{name}>"
        case str() | int():
            return f"<{name}>{escape(_NOT_IN_XML.sub('', str(content)))}</{name}>"
        case _:
            return f"<{name}>{''.join(_xml(*node) for node in content)}</{name}>"
