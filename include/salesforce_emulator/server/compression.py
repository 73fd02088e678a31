"""Compressed bodies: gzip and deflate in requests, gzip in answers that ask for it.

Facts: REST API Developer Guide, *Compression*. The files of Bulk jobs are streamed as they are.
"""

from __future__ import annotations

import gzip
import zlib
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault

_WORTHWHILE_BYTES = 1_000
_FASTEST = 1
_GZIP_OR_ZLIB = 47  # zlib's word for: the head of the data says which of the two it is


def inflated(body: bytes, encoding: str, *, limit: int) -> bytes:
    """Return a request's body as it was before its ``Content-Encoding``.

    Raises:
        SalesforceFault: 415, the encoding is not known; 400, the body is not what it says; 413, it is too large.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "x-gzip", "deflate"):
        message = f"The content encoding {encoding} is not supported; send gzip, deflate or none"
        raise SalesforceFault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
    inflater = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise _unreadable(name) from error
    if len(plain) > limit:
        message = f"The body has more than {limit} bytes"
        raise SalesforceFault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "REQUEST_TOO_LARGE", message)
    if not inflater.eof:
        raise _unreadable(name)
    return plain


def _unreadable(encoding: str) -> SalesforceFault:
    message = f"The request body cannot be read: it is not {encoding}"
    return SalesforceFault(HTTPStatus.BAD_REQUEST, "JSON_PARSER_ERROR", message)


def deflate(response: Response, request_headers: Headers) -> None:
    """Compress an answer in place if the client asks for gzip and it is worth the while."""
    body = bytes(response.body) if type(response) is Response else b""
    if len(body) < _WORTHWHILE_BYTES or not _wants_gzip(request_headers.get("accept-encoding", "")):
        return
    response.body = gzip.compress(body, _FASTEST, mtime=0)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Content-Length"] = str(len(response.body))


def _wants_gzip(accepted: str) -> bool:
    for choice in accepted.lower().split(","):
        name, _, quality = choice.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
