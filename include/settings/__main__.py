"""``python -m include.settings``: the settings and field mappings in the ledger of ``sync_ledger``.

``show | export FILE | import FILE`` carry both as YAML; a file may name only some settings, and leaves the field
mappings alone unless it names them. ``mappings``, ``restore-mappings`` and ``import-fields SOBJECT`` are about field
mappings alone. ``-`` is standard input or output. Every change is recorded with who made it.
Exit codes: 0 done, 1 the ledger or the file system failed, 2 the arguments or the file are wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from include.errors import AppointmentSyncError, ConfigurationError
from include.mapping.mapping_checks import written_sobjects
from include.orchestration.command_line import current_user, open_ledger, open_salesforce, open_source
from include.pipeline.check_org import known_questions
from include.pipeline.field_mappings import (
    check_mappings,
    org_fields_of,
    unmapped_custom_fields,
    with_defaults,
)
from include.settings.availability import unavailable
from include.settings.field_mapping import FieldMapping, Sobject, of_sobject
from include.settings.mapping_yaml import FIELD_MAPPINGS, format_mappings, parse_mappings
from include.settings.model import Integration
from include.settings.yaml_form import format_settings, parse_settings, read_document
from include.source.legacy import has_legacy_links

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from include.ledger.repository import Ledger, MappingsVersion, SettingsVersion
    from include.salesforce.gateway import SalesforceGateway
    from include.settings.model import Settings

DONE, FAILED, REFUSED = 0, 1, 2
INTEGRATION: Final = "integration"
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Doors:
    """How the command reaches ledger, org and booking database; none is opened before it is needed."""

    ledger: Callable[[], Ledger] = open_ledger
    salesforce: Callable[[], SalesforceGateway] = open_salesforce
    source: Callable[[], Engine] = open_source


def main(arguments: Sequence[str] | None = None, *, doors: Doors | None = None) -> int:
    """Run one command and return its exit code."""
    options, doors = _parser().parse_args(arguments), doors or Doors()
    try:
        return _run(options, doors)
    except _Refused as refused:
        _report(refused.error)
        return REFUSED
    except AppointmentSyncError as error:
        _report(error)
        return FAILED
    except UnicodeDecodeError:
        sys.stderr.write(f"The file {options.file} is not UTF-8 text; save it as UTF-8.\n")
        return REFUSED
    except OSError as error:
        sys.stderr.write(f"The file {error.filename} cannot be used ({error.strerror}); name another.\n")
        return FAILED


class _Refused(Exception):  # noqa: N818 - a verdict on what a person asked for
    """What was asked for is wrong, which is the asker's to mend."""

    def __init__(self, error: ConfigurationError) -> None:
        self.error = error


def _run(options: argparse.Namespace, doors: Doors) -> int:
    if options.command == "import":
        return _import(options, doors)
    if options.command == "mappings":
        return _show_mappings(doors.ledger(), options.sobject)
    if options.command == "restore-mappings":
        return _restore(options, doors)
    if options.command == "import-fields":
        return _import_fields(Sobject(options.sobject), doors)
    return _export(getattr(options, "file", "-"), doors)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.settings", description="The settings and field mappings in the ledger."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("show", help="print every setting and field mapping as YAML")
    export = commands.add_parser("export", help="write every setting and field mapping to a YAML file")
    export.add_argument("file", help="where to write; - is standard output")
    importing = commands.add_parser("import", help="take over what a YAML file names")
    importing.add_argument("file", help="what to read; - is standard input")
    shown = commands.add_parser("mappings", help="print the field mappings")
    restoring = commands.add_parser("restore-mappings", help="go back to the default field mappings")
    for command in (shown, restoring):
        command.add_argument("--sobject", choices=[*Sobject], help="only this object's")
    fields = commands.add_parser("import-fields", help="print the org's custom fields, ready to be mapped")
    fields.add_argument("sobject", choices=[*Sobject], help="the object that has the fields")
    for command in (importing, restoring):
        command.add_argument("--who", default="", help="who makes the change (default: this process's user)")
        command.add_argument(
            "--offline",
            action="store_true",
            help="do not check field mappings against the org and Coconut's questions",
        )
    return parser


def _export(file: str, doors: Doors) -> int:
    ledger = doors.ledger()
    current, mappings = ledger.current_settings(), ledger.current_mappings()
    settings = _in_force(current, doors)
    text = (
        f"# {_title(current)}\n\n{format_settings(settings)}\n"
        f"# {_mappings_title(mappings)}\n\n{format_mappings(mappings.mappings)}"
    )
    if file == "-":
        sys.stdout.write(text)
    else:
        Path(file).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{_title(current)} written to {file}.\n{_mappings_title(mappings)}.\n")
    _warn(settings)
    return DONE


def _import(options: argparse.Namespace, doors: Doors) -> int:
    file, who = options.file, options.who or current_user()
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    opened = doors.ledger()
    before = opened.current_settings()
    try:
        settings = parse_settings(text, base=before.settings)
        document = read_document(text)
        mappings = (
            parse_mappings(document[FIELD_MAPPINGS], defaults=with_defaults(()))
            if FIELD_MAPPINGS in document
            else None
        )
    except ConfigurationError as error:
        raise _Refused(error) from error
    _warn(settings)
    if INTEGRATION not in document:
        in_force = _in_force(before, doors).integration
        settings = settings.model_copy(update={INTEGRATION: in_force})
    if mappings is not None:
        _check(mappings, settings, doors, is_offline=options.offline)
    after = opened.save_settings(settings, who=who, now=datetime.now(UTC))
    _tell_settings(before, after, who=who)
    if mappings is not None:
        _save_mappings(opened, mappings, who=who)
    return DONE


def _in_force(version: SettingsVersion, doors: Doors) -> Settings:
    """Return the settings as they act: while none were saved, Coconut says which integration is the default (G1)."""
    if version.version > 0:
        return version.settings
    try:
        is_legacy = has_legacy_links(doors.source())
    except AppointmentSyncError as error:
        sys.stderr.write(
            f"Nobody knows now whether {INTEGRATION} is legacy by default, so name it: {error}\n"
        )
        return version.settings
    return (
        version.settings.model_copy(update={INTEGRATION: Integration.LEGACY})
        if is_legacy
        else version.settings
    )


def _tell_settings(before: SettingsVersion, after: SettingsVersion, *, who: str) -> None:
    if after.version == before.version:
        sys.stdout.write(f"Nothing differs; version {before.version} stays.\n")
    else:
        old, new = (version.settings.model_dump(mode="json") for version in (before, after))
        for name in new:
            if new[name] != old[name]:
                sys.stdout.write(f"{name}: {_shown(old[name])} -> {_shown(new[name])}\n")
        sys.stdout.write(f"Saved as version {after.version} by {who}.\n")


def _show_mappings(ledger: Ledger, sobject: str | None) -> int:
    current = ledger.current_mappings()
    shown = current.mappings if sobject is None else of_sobject(current.mappings, sobject)
    sys.stdout.write(f"# {_mappings_title(current)}\n\n{format_mappings(shown)}")
    return DONE


def _restore(options: argparse.Namespace, doors: Doors) -> int:
    ledger = doors.ledger()
    sobject = Sobject(options.sobject) if options.sobject else None
    restored = with_defaults(ledger.current_mappings().mappings, sobject)
    _check(restored, ledger.current_settings().settings, doors, is_offline=options.offline)
    _save_mappings(ledger, restored, who=options.who or current_user())
    return DONE


def _import_fields(sobject: Sobject, doors: Doors) -> int:
    ledger = doors.ledger()
    org_fields = org_fields_of(doors.salesforce, (sobject,))
    found = unmapped_custom_fields(org_fields, sobject, ledger.current_mappings().mappings)
    sys.stdout.write(
        f"# Custom fields of {sobject} that nothing fills: {len(found)}.\n"
        f"# Give those you want a source, and add them to {FIELD_MAPPINGS} of an export.\n"
    )
    for field in found:
        choices = f", one of {', '.join(field.facts.picklist_values)}" if field.facts.picklist_values else ""
        size = f", {field.facts.length} characters" if field.facts.length and not choices else ""
        sys.stdout.write(
            f"  - {{sobject: {sobject}, target: {field.name}, source: ''}}"
            f"  # {field.facts.label}: {field.facts.type}{size}{choices}\n"
        )
    return DONE


def _check(mappings: Sequence[FieldMapping], settings: Settings, doors: Doors, *, is_offline: bool) -> None:
    org_fields, questions = None, None
    if not is_offline:
        org_fields = _reachable(
            "the org", lambda: org_fields_of(doors.salesforce, written_sobjects(settings))
        )
        questions = _reachable("Coconut's questions", lambda: known_questions(doors.source, mappings))
    try:
        check_mappings(mappings, settings=settings, org_fields=org_fields, questions=questions)
    except ConfigurationError as error:
        raise _Refused(error) from error


def _reachable(name: str, read: Callable[[], _Read]) -> _Read | None:
    """Return what is read; whoever is out of reach keeps nobody from saving, because every run checks again."""
    try:
        return read()
    except AppointmentSyncError as error:
        sys.stderr.write(
            f"The field mappings are not checked against {name} now, but by the next run: {error}\n"
        )
        return None


def _save_mappings(ledger: Ledger, mappings: Sequence[FieldMapping], *, who: str) -> None:
    before = ledger.current_mappings()
    after = ledger.save_mappings(mappings, who=who, now=datetime.now(UTC))
    if after.version == before.version:
        sys.stdout.write(f"No field mapping differs; version {before.version} of them stays.\n")
        return
    old, new = ({mapping.name: mapping for mapping in version.mappings} for version in (before, after))
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            verb = "added" if name not in old else "changed" if name in new else "removed"
            sys.stdout.write(f"{name}: {verb}\n")
    sys.stdout.write(f"Field mappings saved as version {after.version} by {who}.\n")


def _title(version: SettingsVersion) -> str:
    if version.version == 0:
        return "Settings, version 0: the defaults, nothing was saved yet"
    return f"Settings, version {version.version}, saved {version.saved_at:%Y-%m-%d %H:%M} UTC"


def _mappings_title(version: MappingsVersion) -> str:
    if version.version == 0:
        return "Field mappings, version 0: the defaults, nothing was saved yet"
    return f"Field mappings, version {version.version}, saved {version.saved_at:%Y-%m-%d %H:%M} UTC"


def _shown(value: object) -> str:
    return "empty" if value in (None, "", []) else str(value)


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
