"""Starts the local org: ``python -m include.salesforce_emulator --port N``; ``--help`` says the rest.

The first line on stdout is one JSON object with what a client needs. Everything else goes to stderr.
"""

from __future__ import annotations

import argparse
import fcntl
import ipaddress
import json
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import DatabaseError

import uvicorn
from pydantic import ValidationError

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org_setup import OrgSetup
from include.salesforce_emulator.server import credentials, tls
from include.salesforce_emulator.server.app import LocalOrgApp
from include.salesforce_emulator.server.server import Server

_MAX_HEAD_BYTES = 256 * 1024  # well above Salesforce's 16,384, so that ours is the answer to a long URI
_KEEP_ALIVE_SECONDS = 600  # a client's idle connection must not be closed in its hands


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted or terminated."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with _server_folder(options.data) as folder:
            _serve(options, folder)
    except KeyboardInterrupt:
        sys.exit(130)
    except SalesforceFault as fault:
        sys.exit(f"The local org cannot start: {fault.message}")
    except DatabaseError as error:
        sys.exit(f"The local org cannot use {options.data}: {error}. Give a file that it made, or a new one.")
    except OSError as error:
        where = error.filename or options.data
        sys.exit(f"The local org cannot use {where}: {error.strerror}. Give a place where it can write.")


def _serve(options: argparse.Namespace, folder: Path) -> None:
    setup = None if options.setup is None else _read_setup(options.setup)
    server = Server.open(data=options.data, package=options.package, folder=folder, setup=setup)
    try:
        files = tls.load_or_make(folder, options.host) if options.tls else None
        listener = _listen(options.host, options.port)
        config = uvicorn.Config(
            LocalOrgApp(server),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=2,
            ssl_certfile=files.certificate_file if files else None,
            ssl_keyfile=files.key_file if files else None,
        )
        server.start()
        announcement = _announcement(server, options, listener.getsockname()[1], files)
        _AnnouncingServer(config, announcement).run(sockets=[listener])
    finally:
        server.close()


def _read_setup(path: Path) -> OrgSetup:
    try:
        return OrgSetup.model_validate_json(path.read_bytes())
    except OSError as error:
        sys.exit(f"The local org cannot read {path}: {error.strerror}.")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        sys.exit(f"The local org cannot use {path}: {'.'.join(map(str, first['loc']))}: {first['msg']}.")


class _AnnouncingServer(uvicorn.Server):
    """Announces itself when it answers requests and heeds signals; one that comes while it starts may go unheard."""

    def __init__(self, config: uvicorn.Config, announcement: dict[str, str]) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(json.dumps(self._announcement), flush=True)


def _announcement(
    server: Server, options: argparse.Namespace, port: int, files: tls.TlsFiles | None
) -> dict[str, str]:
    host = "localhost" if options.host in ("0.0.0.0", "::") else options.host  # noqa: S104 -- compared, not bound
    host = f"[{host}]" if ":" in host else host
    announcement = {
        "url": f"{'https' if files else 'http'}://{host}:{port}",
        "username": server.sign_in.username,
        **credentials.public_part(server.credentials),
        "access_token": server.sessions.begin(server.org.integration_user_id),
        "user_id": server.org.integration_user_id,
    }
    return announcement | ({"ca_file": str(files.ca_file.resolve())} if files else {})


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m include.salesforce_emulator", description="The local Salesforce org."
    )
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 picks a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; other than loopback only with --tls"
    )
    parser.add_argument(
        "--data", type=Path, help="SQLite file that keeps the org; without it, all is lost at the end"
    )
    parser.add_argument(
        "--package", type=Path, help="Salesforce source folder whose custom fields the org gets"
    )
    parser.add_argument(
        "--setup", type=Path, help="JSON file that says how the org is set up; left out, as its data has it"
    )
    parser.add_argument("--tls", action="store_true", help="serve https with a certificate of a private CA")
    options = parser.parse_args(arguments)
    if not options.tls and not _is_loopback(options.host):
        parser.error(f"{options.host} is not a loopback address; give --tls to listen on it")
    if options.package is not None and not options.package.is_dir():
        parser.error(f"{options.package} is not a folder; give the folder of a Salesforce source package")
    return options


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        sys.exit(
            f"The local org cannot listen on {host}, port {port}: {error.strerror}. Choose another port."
        )


@contextmanager
def _server_folder(data: Path | None) -> Iterator[Path]:
    """Yield the folder of secrets and job files: beside the data, or one that goes when the org does."""
    if data is None:
        with tempfile.TemporaryDirectory(prefix="local-org-") as temporary:
            yield Path(temporary)
        return
    folder = data.with_name(data.name + ".server")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"Another local org serves {data} already. Stop it first, or give another file.")
        yield folder


if __name__ == "__main__":
    main()
