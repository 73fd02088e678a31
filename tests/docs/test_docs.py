"""The documentation says what the code does: where both list the same things, they are held equal here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from include.ledger.tables import metadata
from include.legacy import ATTENTION, ItemKind
from include.mapping.event_fields import payload_mappings
from include.mapping.fields import default_mappings
from include.orchestration.connections import COCONUT_DB, SALESFORCE, SYNC_LEDGER
from include.reasons import REASONS, RETRIED_NEXT_RUN, Outcome, WaitsFor
from include.settings.availability import PENDING
from include.settings.model import Settings
from include.settings.yaml_form import format_settings
from tests.docs.source_text import ELLIPSIS, OWN_ERRORS, ROOT, every_text, one_line, raised_sentences

pytestmark = pytest.mark.rule("docs")

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
ANALYSTS = (ROOT / "docs/analysts.md").read_text(encoding="utf-8")
MIGRATION = (ROOT / "docs/migration.md").read_text(encoding="utf-8")
RULES = (ROOT / "docs/rules.md").read_text(encoding="utf-8")

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
QUOTED = re.compile(r"“(?P<sentence>[^”]+)”")
MARKER = re.compile(r"""mark\.rule\(\s*["'](?P<name>[^"'{}]+)["']\s*\)""")
RULE_NAME = re.compile(r"^(?P<letter>[A-Z])(?P<number>\d+)$")


def rows(page: str, *, columns: int) -> Iterator[list[str]]:
    """Yield the cells of every table row with so many columns, header rows left out."""
    lines = page.splitlines()
    for line, next_line in pairwise([*lines, ""]):
        cells = [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        if line.startswith("| ") and len(cells) == columns and not next_line.startswith("|---"):
            yield cells


def plain(cell: str) -> str:
    return cell.replace("`", "")


def rule_rows() -> dict[str, tuple[str, str]]:
    """Return each rule of docs/rules.md with where it lives and its state; a range counts for all its rules."""
    found = {}
    for names, _, place, state in rows(RULES, columns=4):
        for part in plain(names).split(", "):
            first, _, last = part.partition(" to ")
            for name in _numbered(first, last or first):
                found[name] = (place, state)
    return found


def _numbered(first: str, last: str) -> list[str]:
    start, end = RULE_NAME.match(first), RULE_NAME.match(last)
    if start is None or end is None:
        return [first]
    return [f"{start['letter']}{number}" for number in range(int(start["number"]), int(end["number"]) + 1)]


def markers() -> dict[str, str]:
    """Return each rule that a test names, and one file that names it."""
    return {
        name: str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for name in MARKER.findall(path.read_text(encoding="utf-8"))
    }


# -- links and paths


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = [target.partition("#")[0] for target in LINK.findall(page.read_text(encoding="utf-8"))]
    relative = [target for target in targets if target and "://" not in target]
    assert [target for target in relative if not (page.parent / target).exists()] == []


def test_every_link_to_a_heading_finds_it() -> None:
    missing = []
    for page in PAGES:
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            file, _, heading = target.partition("#")
            if "://" not in target and heading:
                headings = _headings((page.parent / file) if file else page)
                missing += [f"{page.name}: {target}"] if heading not in headings else []
    assert missing == []


def _headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", plain(title).lower()).replace(" ", "-") for title in titles}


def test_every_path_that_the_rules_table_names_exists() -> None:
    named = {path for place, _ in rule_rows().values() for path in re.findall(r"`([^`]+)`", place)}
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_page_is_reached_from_the_readme_or_an_index() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target
    }
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    assert [str(page.relative_to(ROOT)) for page in sorted(pages) if page.resolve() not in linked] == []


# -- rules and their tests


def test_every_rule_that_a_test_names_is_in_the_rules_table() -> None:
    assert {name: file for name, file in markers().items() if name not in rule_rows()} == {}


def test_every_rule_that_is_shipped_whole_or_in_part_has_a_test() -> None:
    shipped = [name for name, (_, state) in rule_rows().items() if state.startswith(("whole", "part"))]
    assert [name for name in shipped if name not in markers()] == []


def test_every_rule_is_whole_or_in_part_or_later() -> None:
    states = {name: state for name, (_, state) in rule_rows().items()}
    assert len(states) > 60
    assert {n: s for n, s in states.items() if not s.startswith(("whole", "part: ", "later"))} == {}


# -- reasons and errors


def test_the_manual_lists_every_reason_as_the_code_has_it() -> None:
    listed = [
        tuple(map(plain, cells))
        for cells in rows(OPERATIONS, columns=5)
        if cells[1] in set(map(str, Outcome))
    ]
    assert listed == [
        (
            str(reason),
            str(text.outcome),
            str(text.waits_for) + (" (read again by the next run)" if reason in RETRIED_NEXT_RUN else ""),
            text.setting or "-",
            text.text,
        )
        for reason, text in REASONS.items()
    ]


def test_the_manual_says_what_releases_everything_that_a_pair_may_wait_for() -> None:
    explained = {plain(cells[0]) for cells in rows(OPERATIONS, columns=2)}
    assert {str(waits_for) for waits_for in WaitsFor} <= explained


def test_the_manual_names_every_kind_of_error() -> None:
    assert [name for name in sorted(OWN_ERRORS) if f"`{name}`" not in OPERATIONS] == []


def test_every_sentence_that_an_error_is_raised_with_is_in_the_manual() -> None:
    manual = _unbroken(OPERATIONS)
    missing = {text: file for text, file in raised_sentences().items() if _unbroken(text) not in manual}
    assert missing == {}


def test_every_sentence_that_the_manual_quotes_stands_in_the_code() -> None:
    texts = _unbroken(every_text())
    quoted = QUOTED.findall(one_line(OPERATIONS))
    assert len(quoted) > 40
    assert [sentence for sentence in quoted if _unbroken(sentence) not in texts] == []


def _unbroken(text: str) -> str:
    """Return text in which several values side by side count as one."""
    return re.sub(rf"{ELLIPSIS}+", ELLIPSIS, one_line(text))


# -- the migration

ITEMS = {
    ItemKind.FIELD_MAPPING: "field mapping",
    ItemKind.STAFF_LINK: "staff link",
    ItemKind.EVENT_LINK: "event link",
}


def test_the_migration_page_says_of_every_reason_for_attention_what_the_code_has() -> None:
    listed = [tuple(map(plain, cells)) for cells in rows(MIGRATION, columns=4) if cells[1] in ITEMS.values()]
    assert listed == [(str(why), ITEMS[text.kind], text.text, text.advice) for why, text in ATTENTION.items()]


# -- settings


def test_every_setting_is_documented_in_the_order_of_the_code() -> None:
    assert [plain(cells[0]) for cells in rows(SETTINGS, columns=5)] == list(Settings.model_fields)


def test_every_setting_is_documented_with_its_values_and_default() -> None:
    comments = re.findall(r"^# (.+)\n(\w+):", format_settings(Settings()), re.MULTILINE)
    allowed = {name: comment for comment, name in comments}
    documented = {plain(cells[0]): cells for cells in rows(SETTINGS, columns=5)}
    wrong = {}
    for name, comment in allowed.items():
        values, _, rest = comment.partition("; default: ")
        default = rest.partition(". ")[0] if Settings.model_fields[name].description else rest
        shown = plain(documented[name][2])
        if shown != default:
            wrong[name] = (shown, default)
        if values.startswith("one of ") and plain(documented[name][1]) != values.removeprefix("one of "):
            wrong[name] = (documented[name][1], values)
    assert wrong == {}


def test_every_setting_without_effect_is_documented_as_such() -> None:
    waiting = {plain(c[0]) for c in rows(SETTINGS, columns=5) if c[4].startswith(("no", "in part"))}
    assert waiting == set(PENDING)


# -- what analysts read


def test_analysts_are_told_of_every_field_that_is_written() -> None:
    written = [mapping.target for mapping in payload_mappings(default_mappings())]
    assert [name for name in written if f"`{name}`" not in ANALYSTS] == []


def test_every_table_of_the_ledger_is_described() -> None:
    architecture = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert [name for name in metadata.tables if f"`{name}`" not in architecture] == []


@pytest.mark.parametrize("connection", [COCONUT_DB, SALESFORCE, SYNC_LEDGER])
def test_every_connection_is_described(connection: str) -> None:
    assert f"`{connection}`" in OPERATIONS
