"""Pools of names and texts in several scripts, drawn from Faker once; the rows draw from the pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from faker import Faker

LATIN_LOCALES: Final = ("en_US", "en_CA", "fr_CA", "es_MX", "de_DE", "pl_PL", "nl_NL")
OTHER_LOCALES: Final = ("el_GR", "ru_RU", "ja_JP", "zh_CN", "ko_KR", "ar_SA", "he_IL", "hi_IN", "th_TH")

_NAMES_PER_LOCALE: Final = 60
_NOTES: Final = 150

_AWKWARD_NOTES: Final = (
    'Says "call me first", then come in',
    "Prefers mornings, quiet room, no phone calls",
    "Line one\nline two\n\nline four",
    "Windows line\r\nends here",
    "Bring 2 forms of ID 🪪 and the old contract 📄🙂",
    "Family of 👨‍👩‍👧‍👦; wheelchair ♿; café ☕",
    "comma, \"quote\", 'apostrophe', semicolon; tab\tand | pipe",
    "=SUM(A1:A9) is what the client typed",
    "مراجعة الحساب מסמך 確認 проверка",
    "  leading and trailing blanks  ",
)

_REASONS: Final = (
    "Client is ill",
    "Double booking",
    "Found the answer online",
    "Closed, storm",
    "",
    'Other: "busy"',
)


@dataclass(frozen=True, slots=True)
class NamePool:
    """First and last names of one locale; ``is_latin`` says that an e-mail address can be made of them."""

    locale: str
    is_latin: bool
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """Everything the rows draw from."""

    names: tuple[NamePool, ...]
    companies: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[str, ...]
    notes: tuple[str, ...]
    reasons: tuple[str, ...]


def make_texts(seed: int) -> Texts:
    """Draw the pools; the same seed gives the same texts."""
    names = tuple(
        _name_pool(locale, seed, is_latin=locale in LATIN_LOCALES)
        for locale in (*LATIN_LOCALES, *OTHER_LOCALES)
    )
    fake = Faker("en_CA")
    fake.seed_instance(seed)
    notes = [fake.paragraph(nb_sentences=1 + number % 4) for number in range(_NOTES)]
    return Texts(
        names=names,
        companies=tuple(fake.unique.company() for _ in range(120)),
        streets=tuple(fake.street_address() for _ in range(200)),
        cities=tuple(fake.city() for _ in range(80)),
        notes=(*notes, *_AWKWARD_NOTES * 3),
        reasons=_REASONS,
    )


def _name_pool(locale: str, seed: int, *, is_latin: bool) -> NamePool:
    fake = Faker(locale)
    fake.seed_instance(seed)
    return NamePool(
        locale=locale,
        is_latin=is_latin,
        first_names=tuple(fake.first_name() for _ in range(_NAMES_PER_LOCALE)),
        last_names=tuple(fake.last_name() for _ in range(_NAMES_PER_LOCALE)),
    )
