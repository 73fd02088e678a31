"""The columnar overwriting against the slow one, on made-up records (rules M5, F4, S12)."""

from __future__ import annotations

import json
from random import Random

import pandas as pd
import pytest

from include.frames import WRITTEN_VALUES
from include.mapping.overwrite import Overwrite, overwrite
from include.settings.field_mapping import FieldMapping, Sobject, WritePolicy
from tests.mapping.overwrite_reference import Fate, Field, decide
from tests.matching.builders import frame

pytestmark = [pytest.mark.rule("M5"), pytest.mark.rule("F4"), pytest.mark.rule("S12")]

PLACEHOLDER = "[not provided]"
TEXTS: dict[str, list[str | None]] = {
    "string": ["Ana", " Ana ", "ANA", "Groß", "line\r\nline", "line\nline", PLACEHOLDER, "#N/A", "", None],
    "email": ["ana@example.org", "ANA@Example.org", "bo@example.org", "#N/A", "", None],
    "double": ["1", "1.0", "1e0", "2.5", "#N/A", None],
    "boolean": ["true", "TRUE", "false", None],
    "datetime": [
        *("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000+0000", "2026-01-01T11:00:00+01:00"),
        *("2026-01-02T10:00:00Z", "#N/A", None),
    ],
}
MAPPINGS = [
    FieldMapping(
        sobject=Sobject.LEAD, target=f"{kind}_{policy.value}__c", source="client.company", write_policy=policy
    )
    for kind in TEXTS
    for policy in WritePolicy
]
STAND_INS = {"string_only_if_blank__c": PLACEHOLDER, "string_always__c": PLACEHOLDER}
RECORDS = 300


def make_records(random: Random) -> dict[str, dict[str, Field]]:
    """Return for each record what is known of each field; its clients wrote all of them, some of them, or none."""
    records = {}
    for place in range(RECORDS):
        clients = random.choice([0, 1, 1, 2])
        records[f"00Q{place:012}EAA"] = {
            mapping.target: Field(
                kind=(kind := mapping.target.split("_")[0]),
                policy=mapping.write_policy.value,
                stored=random.choice([text for text in TEXTS[kind] if text != "#N/A"]),
                desired=random.choice(TEXTS[kind]),
                written=tuple(random.choice([None, *TEXTS[kind]]) for _ in range(clients)),
                stand_in=STAND_INS.get(mapping.target, ""),
            )
            for mapping in MAPPINGS
        }
    return records


def overwritten(records: dict[str, dict[str, Field]]) -> Overwrite:
    index = pd.Index(list(records), dtype="str")
    written = [
        {
            "record_id": record_id,
            "values": json.dumps({name: field.written[client] for name, field in fields.items()}),
        }
        for record_id, fields in records.items()
        for client in range(len(next(iter(fields.values())).written))
    ]
    desired, stored = (
        pd.DataFrame(
            {
                mapping.target: [getattr(fields[mapping.target], part) for fields in records.values()]
                for mapping in MAPPINGS
            },
            index=index,
            dtype="str",
        )
        for part in ("desired", "stored")
    )
    return overwrite(
        desired,
        stored,
        frame(WRITTEN_VALUES, written),
        mappings=MAPPINGS,
        types={mapping.target: mapping.target.split("_")[0] for mapping in MAPPINGS},
        stand_ins=STAND_INS,
    )


@pytest.mark.parametrize("seed", range(4))
def test_columns_overwrite_as_the_rule_does_field_by_field(seed: int) -> None:
    records = make_records(Random(seed))
    found = overwritten(records)
    for record_id, fields in records.items():
        for name, field in fields.items():
            wire = found.wire.loc[record_id, name]
            fate = Fate(
                written=None if pd.isna(wire) else str(wire),
                replaces_user=bool(found.replaces_user.loc[record_id, name]),
                keeps_user=bool(found.keeps_user.loc[record_id, name]),
            )
            assert fate == decide(field), field


@pytest.mark.parametrize("seed", range(2))
def test_what_was_written_is_not_written_again(seed: int) -> None:
    records = make_records(Random(seed))
    wire = overwritten(records).wire
    after = {
        record_id: {
            name: field if pd.isna(new := wire.loc[record_id, name]) else written_into(field, str(new))
            for name, field in fields.items()
        }
        for record_id, fields in records.items()
    }
    again = overwritten(after)
    assert again.wire.isna().all(axis=None)
    assert not again.replaces_user.any(axis=None)


def written_into(field: Field, text: str) -> Field:
    """Return the field as it is after the write: the org and every client's last written value hold the text."""
    stored = None if text == "#N/A" else text
    return Field(
        field.kind, field.policy, stored, field.desired, (text,) * len(field.written), field.stand_in
    )
