"""Decisions that Salesforce's own duplicate rules overrule: a record they report is the person (rules M9, M14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.frames import DECISIONS
from include.matching.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd


def linked_by_rule(decisions: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return the decisions about these clients as they stand once the reported record was taken.

    Args:
        decisions: contract ``DECISIONS``, whose action was to create.
        links: ``client_id``, ``sobject``, ``record_id``, ``who_id`` and ``rule`` (the rule's API name).
    """
    taken = links.drop_duplicates("client_id").set_index("client_id")
    rows = decisions[decisions["client_id"].isin(taken.index)]
    record_id, rule = rows["client_id"].map(taken["record_id"]), rows["client_id"].map(taken["rule"])
    sobject = rows["client_id"].map(taken["sobject"])
    told = rows["explanation"].str.replace('"action":"create"', '"action":"link"', regex=False)
    told = told.str.replace(
        f'"evidence":"{Evidence.NEW.value}"', f'"evidence":"{Evidence.DUPLICATE_RULE.value}"', regex=False
    )
    told = told.str.replace(r'"sobject":"\w+",?', "", regex=True).str.removesuffix("}").str.removesuffix(",")
    return DECISIONS.conform(
        rows.assign(
            action="link",
            evidence=Evidence.DUPLICATE_RULE.value,
            sobject=sobject,
            record_id=record_id,
            who_id=rows["client_id"].map(taken["who_id"]),
            explanation=told
            + ',"sobject":"'
            + sobject
            + '","record":"'
            + record_id
            + '","rule":"'
            + rule
            + '"}',
        )
    )
