"""Requests to the control endpoints, and what is asked of an org that took a strange setup."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

from tests.emulator.asgi_driver import Request
from tests.emulator.malformed.addresses import PIECES
from tests.emulator.malformed.queries import QUERIES
from tests.emulator.malformed.spoiling import (
    JSON,
    json_body,
)
from tests.emulator.malformed.writes import EVENT, FIELDS, SOBJECTS, plain, value_input
from tests.local_org import DATA

_SETUP = {
    "person_accounts": True,
    "multiday_events": False,
    "activity_sharing": "private",
    "users": {
        "integration@local-org.example": {
            "permissions": ["ApiEnabled"],
            "fields": {"Lead": {"Company": "hidden"}},
            "objects": {"Lead": ["read"]},
            "above": ["x"],
        }
    },
    "record_types": [
        {"sobject": "Account", "developer_name": "P", "name": "P", "person": True, "default": True}
    ],
    "duplicate_rules": [
        {
            "name": "d",
            "sobject": "Lead",
            "matching_rules": [{"name": "m", "sobject": "Contact", "fields": {"Email": "Email"}}],
        }
    ],
    "assignment_rules": [
        {"name": "a", "entries": [{"conditions": [{"field": "Company", "value": "x"}], "owner": "nobody"}]}
    ],
    "default_lead_owner": "integration@local-org.example",
    "validation_rules": [
        {
            "name": "v",
            "sobject": "Lead",
            "message": "no",
            "conditions": [{"field": "LastName", "operator": "is_blank"}],
        }
    ],
}
_CONTROL: tuple[tuple[str, str, Any], ...] = (
    *(("PUT", "setup", _SETUP),) * 8,
    ("POST", "faults", [{"type": "respond", "kind": "query", "nth": 2, "times": 1, "status": 503}]),
    ("POST", "faults", [{"type": "lock_rows", "sobject": "Lead", "values": ["x"], "times": None}]),
    ("POST", "faults", [{"type": "fail_job", "after_rows": 1, "sobject": "Lead", "operation": "insert"}]),
    ("POST", "clock", {"set": "2026-03-01T10:00:00Z", "advance_seconds": 5, "freeze": True, "reset": False}),
    ("POST", "limits", {"DailyApiRequests": {"Max": 5, "Used": 1}}),
    ("POST", "paging", {"page_rows": 50}),
    (
        "POST",
        "convert",
        {"lead_id": "{lead}", "account_id": "{account}", "contact_id": "{contact}", "as_user": "x"},
    ),
    ("POST", "convert", {"lead_id": "{lead}", "account_id": "{account}"}),
    ("POST", "merge", {"sobject": "Contact", "master_id": "{contact}", "loser_ids": ["{contact}"]}),
    ("POST", "merge", {"sobject": "Account", "master_id": "{account}", "loser_ids": ["{contact}"]}),
    ("POST", "delete", {"sobject": "Lead", "ids": ["{lead}"]}),
    ("POST", "records/Lead", [{"LastName": "Doe", "Company": "Acme"}]),
    ("POST", "records/Event", {"rows": [plain(EVENT)], "operation": "upsert", "external_id": "Id"}),
    ("GET", "records/Lead?offset={}&limit={}&include_deleted={}", None),
    ("DELETE", "faults/{}", None),
    ("POST", "drain?timeout={}", None),
)


_UNDO: dict[str, tuple[str, str, Any]] = {
    "faults": ("DELETE", "faults", None),
    "clock": ("POST", "clock", {"reset": True}),
    "limits": (
        "POST",
        "limits",
        {"DailyApiRequests": {"Max": 100_000, "Used": 0}, "DataStorageMB": {"Max": 10_240}},
    ),
}


def control_input(rng: random.Random) -> list[Request]:
    method, path, body = rng.choice(_CONTROL)
    if path == "setup" and rng.random() < 0.7:
        content = json.dumps(_odd_setup(rng)).encode()
        return [Request(method, "/__emulator__/setup", JSON, content), *_after_setup(rng)]
    requests = _after_setup(rng) if path == "setup" else []
    if path in _UNDO:
        verb, undone, content = _UNDO[path]
        requests = [
            Request(
                verb,
                f"/__emulator__/{undone}",
                JSON,
                b"" if content is None else json.dumps(content).encode(),
            )
        ]
    return [_control_request(rng, method, path, body), *requests]


_OPERATORS = (
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "less_than",
    "greater_than",
    "is_blank",
    "is_not_blank",
    "is_changed",
)
_ODD_VALUES = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    "",
    " ",
    "x",
    "5",
    "NaN",
    "2026-03-20",
    "00Q",
    "Acme",
    "%",
    "\x00",
    "\u0130",
)


def _odd_setup(rng: random.Random) -> dict[str, Any]:
    """Return a setup of the right shape that says strange things of the org."""
    name = rng.choice(("Lead", "Contact", "Account", "Lead", rng.choice(SOBJECTS)))
    strange = ["Id", "IsDeleted", "Nothing__c", "Name"] if rng.random() < 0.2 else []
    fields = [*rng.sample(FIELDS[name], min(6, len(FIELDS[name]))), *strange]
    conditions = [
        {"field": rng.choice(fields), "operator": rng.choice(_OPERATORS), "value": rng.choice(_ODD_VALUES)}
        for _ in range(rng.randint(1, 3))
    ]
    other = rng.choice(("Lead", "Contact", "Account"))
    matching = {rng.choice(fields): rng.choice((*FIELDS[other], *strange))}
    person = rng.random() < 0.5
    sections: dict[str, Any] = {
        "person_accounts": person or rng.random() < 0.5,
        "activity_sharing": rng.choice(("public", "private")),
        "users": {"integration@local-org.example": _odd_user(rng, name, fields)},
        "record_types": [
            {
                "sobject": name,
                "developer_name": f"R{n}",
                "name": "R",
                "default": True,
                "person": rng.random() < 0.5,
            }
            for n in range(rng.randrange(3))
        ],
        "duplicate_rules": [
            {
                "name": "d",
                "sobject": name,
                "matching_rules": [{"name": "m", "sobject": other, "fields": matching}],
            }
        ],
        "assignment_rules": [
            {
                "name": "a",
                "entries": [
                    {
                        "conditions": conditions,
                        "owner": rng.choice(
                            ("", "x", "integration@local-org.example", "integration@local-org.example")
                        ),
                    }
                ],
            }
        ],
        "default_lead_owner": rng.choice(("nobody", "integration@local-org.example")),
        "validation_rules": [{"name": "v", "sobject": name, "message": "no", "conditions": conditions}],
    }
    return {key: sections[key] for key in ("person_accounts", *rng.sample(list(sections), rng.randint(1, 3)))}


def _odd_user(rng: random.Random, sobject: str, fields: list[str]) -> dict[str, Any]:
    return {
        "permissions": rng.sample(
            ("ApiEnabled", "ViewAllData", "ModifyAllData", "CreateAuditFields"), rng.randint(1, 4)
        ),
        "fields": {sobject: {name: rng.choice(("hidden", "read")) for name in rng.sample(fields, 2)}},
        "objects": {sobject: ["read", *rng.sample(("create", "edit", "delete"), rng.randint(0, 3))]},
        "above": ["integration@local-org.example", "nobody"],
    }


def _after_setup(rng: random.Random) -> list[Request]:
    """Return what is asked of an org that may have taken a strange setup."""
    return [
        *value_input(rng),
        Request("GET", f"{DATA}/query?q={quote(rng.choice(QUERIES))}"),
        Request("GET", f"{DATA}/sobjects/{rng.choice(SOBJECTS)}/describe"),
        Request("POST", "/__emulator__/convert", JSON, b'{"lead_id": "{lead}"}'),
        Request("GET", f"{DATA}/sobjects"),
    ]


def _control_request(rng: random.Random, method: str, path: str, body: Any) -> Request:
    if "drain" in path:
        pieces = ["-1" if rng.random() < 0.5 else "x"]
    else:
        pieces = [rng.choice(PIECES).replace("#", "").replace("?", "") for _ in range(path.count("{}"))]
    content = b"" if body is None else json_body(rng, body)
    return Request(method, "/__emulator__/" + path.format(*pieces), JSON, content, signed_in=False)
