"""A duplicate rule's refusal as REST answers it: the rule, and the records it found.

The shape is the one that answers of real orgs show (public repositories; API versions 50 to 62). Up to v56 answers
carry the name misspelt, `duplicateResut`; v62 has `duplicateResult`; where between them it changed is ours.
Items of Collections name no records [RESTG, *Composite*, "allOrNone"]; that `includeRecordDetails=true` adds them
there is unconfirmed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.salesforce_emulator.server.writing import error_json

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.errors import DuplicateMatches, DuplicatesFound, RowError
    from include.salesforce_emulator.engine.org import Org
    from include.salesforce_emulator.server.wire import ApiRequest

_FIRST_VERSION_SPELT_RIGHT = 57.0


def refusal_json(org: Org, request: ApiRequest, error: RowError) -> dict[str, object]:
    """Return an error of a single record's write."""
    if error.duplicates is None:
        return error_json(error, code_key="errorCode")
    name = "duplicateResult" if float(request.version) >= _FIRST_VERSION_SPELT_RIGHT else "duplicateResut"
    result = _duplicate_result(org, request, error.duplicates, error.message)
    return {name: result, "errorCode": error.code, "message": error.message}


def item_error_json(org: Org, request: ApiRequest, error: RowError) -> dict[str, object]:
    """Return an error of one item of a Collections answer."""
    plain = error_json(error, code_key="statusCode")
    if error.duplicates is None or not _wants_details(request):
        return plain
    return {"duplicateResult": _duplicate_result(org, request, error.duplicates, error.message), **plain}


def _wants_details(request: ApiRequest) -> bool:
    header = request.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
    return "includerecorddetails=true" in header


def _duplicate_result(
    org: Org, request: ApiRequest, found: DuplicatesFound, message: str
) -> dict[str, object]:
    return {
        "allowSave": found.allow_save,
        "duplicateRule": found.rule,
        "duplicateRuleEntityType": found.sobject,
        "errorMessage": message,
        "matchResults": [_match_result(org, request, matches) for matches in found.matches],
    }


def _match_result(org: Org, request: ApiRequest, matches: DuplicateMatches) -> dict[str, object]:
    return {
        "entityType": matches.sobject,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": [
            {
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": _record(org, request, matches.sobject, record_id),
            }
            for record_id in matches.ids
        ],
        "rule": matches.rule,
        "size": len(matches.ids),
        "success": True,
    }


def _record(org: Org, request: ApiRequest, sobject: str, record_id: str) -> dict[str, object]:
    if _wants_details(request):
        return org.retrieve(sobject, record_id, version=request.version, user_id=request.user_id)
    url = f"/services/data/v{request.version}/sobjects/{sobject}/{record_id}"
    return {"attributes": {"type": sobject, "url": url}, "Id": record_id}
