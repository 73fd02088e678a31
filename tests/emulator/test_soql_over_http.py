"""SOQL as a REST client meets it: pages with children, scopes of the one signed in, errors as JSON."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("P3")


def test_an_unknown_field_is_answered_as_salesforce_words_it(org: LocalOrg) -> None:
    answer = org.call("GET", "/query", params={"q": "SELECT Foo FROM Lead"})
    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "\nSELECT Foo FROM Lead\n       ^\nERROR at Row:1:Column:8\n"
            "No such column 'Foo' on entity 'Lead'. If you are attempting to use a custom field, be sure to append "
            "the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
            "appropriate names.",
            "errorCode": "INVALID_FIELD",
        }
    ]


@pytest.mark.parametrize(
    ("soql", "status", "code"),
    [
        ("SELECT Id FROM", 400, "MALFORMED_QUERY"),
        ("SELECT Id FROM Leed", 400, "INVALID_TYPE"),
        ("SELECT Id FROM Lead WHERE Id LIKE '00Q%'", 400, "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Lead OFFSET 2001", 400, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT FORMAT(CreatedDate) FROM Lead", 501, "NOT_IMPLEMENTED"),
    ],
)
def test_a_refused_query_answers_its_code(org: LocalOrg, soql: str, status: int, code: str) -> None:
    answer = org.call("GET", "/query", params={"q": soql})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


def test_every_page_of_parents_comes_with_its_own_children(org: LocalOrg) -> None:
    ids = org.seed("Lead", *({"LastName": f"L{number:03}", "Company": "C"} for number in range(250)))
    event = {"Subject": "Visit", "StartDateTime": "2026-03-20T10:00:00Z", "DurationInMinutes": 30}
    org.seed("Event", {**event, "WhoId": ids[3]}, {**event, "WhoId": ids[240]}, {**event, "WhoId": ids[240]})
    soql = "SELECT Id, (SELECT Subject FROM Events) FROM Lead ORDER BY LastName"
    page = org.call(
        "GET", "/query", params={"q": soql}, headers={"Sforce-Query-Options": "batchSize=200"}
    ).json()
    assert (page["totalSize"], page["done"], len(page["records"])) == (250, False, 200)
    more: dict[str, Any] = org.call("GET", f"/query/{page['nextRecordsUrl'].rpartition('/')[2]}").json()
    found = {
        record["Id"]: record["Events"]["totalSize"]
        for record in page["records"] + more["records"]
        if record["Events"]
    }
    assert found == {ids[3]: 1, ids[240]: 2}


def test_mine_is_what_the_one_signed_in_owns(org: LocalOrg) -> None:
    (user,) = org.seed(
        "User", {"Username": "other@example.com", "LastName": "Other", "Email": "other@example.com"}
    )
    own, _ = org.seed(
        "Lead", {"LastName": "Own", "Company": "C"}, {"LastName": "Of", "Company": "C", "OwnerId": user}
    )
    assert [record["Id"] for record in org.query("SELECT Id FROM Lead USING SCOPE mine")] == [own]
    assert len(org.query("SELECT Id FROM Lead USING SCOPE everything")) == 2
