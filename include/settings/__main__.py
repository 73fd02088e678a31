"""``python -m include.settings show | export FILE | import FILE``: the settings in the ledger of ``sync_ledger``.

A file may name only some settings; ``-`` is standard input or output. Every change is recorded with who made it.
Exit codes: 0 done, 1 the ledger or the file system failed, 2 the arguments or the file are wrong.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from include.errors import AppointmentSyncError, ConfigurationError
from include.settings.availability import unavailable
from include.settings.yaml_form import format_settings, parse_settings
from include.settings.yaml_values import shown_value

if TYPE_CHECKING:
    from include.ledger.repository import Ledger, SettingsVersion
    from include.settings.model import Settings

DONE, FAILED, REFUSED = 0, 1, 2


def open_ledger() -> Ledger:
    """Return the ledger that the connection ``sync_ledger`` names."""
    # Airflow sets its logging up for standard output when it is imported; that belongs to the YAML.
    with redirect_stdout(sys.stderr):
        from include.ledger.repository import Ledger
        from include.orchestration.connections import ledger_engine

        return Ledger.open(ledger_engine())


def main(arguments: Sequence[str] | None = None, *, ledger: Callable[[], Ledger] = open_ledger) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "import":
            return _import(options.file, who=options.who or _user(), ledger=ledger)
        return _export(getattr(options, "file", "-"), ledger())
    except AppointmentSyncError as error:
        _report(error)
        return FAILED
    except UnicodeDecodeError:
        sys.stderr.write(f"The file {options.file} is not UTF-8 text; save it as UTF-8.\n")
        return REFUSED
    except OSError as error:
        sys.stderr.write(f"The file {error.filename} cannot be used ({error.strerror}); name another.\n")
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.settings", description="The settings in the ledger."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("show", help="print every setting as YAML")
    export = commands.add_parser("export", help="write every setting to a YAML file")
    export.add_argument("file", help="where to write; - is standard output")
    importing = commands.add_parser("import", help="take over the settings that a YAML file names")
    importing.add_argument("file", help="what to read; - is standard input")
    importing.add_argument(
        "--who", default="", help="who makes the change (default: the user of this process)"
    )
    return parser


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in the password file
        return "unknown user"


def _export(file: str, ledger: Ledger) -> int:
    current = ledger.current_settings()
    text = f"# {_title(current)}\n\n{format_settings(current.settings)}"
    if file == "-":
        sys.stdout.write(text)
    else:
        Path(file).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{_title(current)} written to {file}.\n")
    _warn(current.settings)
    return DONE


def _import(file: str, *, who: str, ledger: Callable[[], Ledger]) -> int:
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    opened = ledger()
    before = opened.current_settings()
    try:
        settings = parse_settings(text, base=before.settings)
    except ConfigurationError as error:
        _report(error)
        return REFUSED
    after = opened.save_settings(settings, who=who, now=datetime.now(UTC))
    if after.version == before.version:
        sys.stdout.write(f"Nothing differs; version {before.version} stays.\n")
        _warn(settings)
        return DONE
    old, new = (version.settings.model_dump(mode="json") for version in (before, after))
    for name in new:
        if new[name] != old[name]:
            values = (_shown(getattr(version.settings, name)) for version in (before, after))
            sys.stdout.write(f"{name}: {' -> '.join(values)}\n")
    sys.stdout.write(f"Saved as version {after.version} by {who}.\n")
    _warn(settings)
    return DONE


def _title(version: SettingsVersion) -> str:
    if version.version == 0:
        return "Settings, version 0: the defaults, nothing was saved yet"
    return f"Settings, version {version.version}, saved {version.saved_at:%Y-%m-%d %H:%M} UTC"


def _shown(value: object) -> str:
    return shown_value(value) or "empty"


def _warn(settings: Settings) -> None:
    """Name the settings that have no effect yet, on standard error: the YAML on standard output stays whole."""
    if problems := unavailable(settings):
        sys.stderr.write("\n  - ".join(["Some settings have no effect yet:", *problems]) + "\n")


def _report(error: AppointmentSyncError) -> None:
    problems = getattr(error, "problems", ())
    sentence = str(error).removesuffix(" " + "; ".join(problems) + ".") if problems else str(error)
    sys.stderr.write("\n  - ".join([sentence, *problems]) + "\n")


if __name__ == "__main__":
    sys.exit(main())
