"""The secrets of the org, made at its first start and kept beside its data."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from include.salesforce_emulator.engine.errors import SalesforceFault

_KEY_BITS = 2048


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client signs in with, all flows together; the user's name is the org's to say.

    Attributes:
        private_key_file: PEM of the RSA key whose public half the org trusts for JWT bearer.
    """

    password: str
    security_token: str
    consumer_key: str
    consumer_secret: str
    private_key_file: Path
    public_key: bytes


def load_or_make(folder: Path) -> Credentials:
    """Return the credentials kept in the folder, made first if there are none yet."""
    secrets_file = folder / "credentials.json"
    key_file = folder / "private_key.pem"
    if not secrets_file.exists():
        _write_private(key_file, _new_key())
        _write_private(secrets_file, json.dumps(_new_secrets()).encode())
    try:
        kept = json.loads(secrets_file.read_text())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        public_key = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return Credentials(**kept, private_key_file=key_file.resolve(), public_key=public_key)
    except (ValueError, TypeError) as error:
        message = f"{secrets_file} or {key_file} is damaged. Delete {secrets_file} to have both made anew."
        raise SalesforceFault(HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", message) from error


def public_part(credentials: Credentials) -> dict[str, str]:
    """Return what the first line on stdout says of the credentials."""
    return {name: str(value) for name, value in asdict(credentials).items() if name != "public_key"}


def _new_secrets() -> dict[str, str]:
    return {
        "password": secrets.token_urlsafe(12),
        "security_token": secrets.token_hex(12),
        "consumer_key": f"3MVG9{secrets.token_urlsafe(60)}",
        "consumer_secret": secrets.token_hex(32).upper(),
    }


def _new_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(path)
