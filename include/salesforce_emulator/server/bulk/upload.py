"""The body of an upload as a plain file, whether it came compressed or not (`Content-Encoding: gzip`) [RESTG]."""

from __future__ import annotations

import gzip
import zlib
from http import HTTPStatus
from pathlib import Path

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server.wire import ApiRequest, bad_json

MAX_UPLOAD_BYTES = 150 * 1024 * 1024
_CHUNK_BYTES = 1 << 18


def plain_content(request: ApiRequest) -> Path:
    """Return the file that holds an upload's content; a compressed one is unpacked in its place.

    Raises:
        SalesforceFault: nothing was uploaded, the encoding is not known, or the content is not what it says or
            too long once unpacked; the codes and words are ours.
    """
    if request.body_file is None:
        raise bad_json("the upload is missing")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "gzip":
        _unpack(request.body_file)
    elif encoding not in ("", "identity"):
        raise SalesforceFault(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            f"The content encoding {encoding} is not known; send gzip, or the plain file",
        )
    return request.body_file


def _unpack(file: Path) -> None:
    draft = file.with_name(f"{file.name}.unpacked")
    try:
        _copy_unpacked(file, draft)
        draft.replace(file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SalesforceFault(
            HTTPStatus.BAD_REQUEST, "CLIENT_INPUT_ERROR", "The content is not what gzip writes"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _copy_unpacked(file: Path, draft: Path) -> None:
    size = 0
    with gzip.open(file) as packed, draft.open("wb") as plain:
        while chunk := packed.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > MAX_UPLOAD_BYTES:
                raise SalesforceFault(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "REQUEST_TOO_LARGE",
                    f"The content has more than {MAX_UPLOAD_BYTES} bytes",
                )
            plain.write(chunk)
