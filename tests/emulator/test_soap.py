from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

import pytest

from tests.local_org import Answer, LocalOrg

pytestmark = pytest.mark.rule("P3")
_PARTNER = "{urn:partner.soap.sforce.com}"
_LEAD = {"LastName": "Hopper", "Company": "Navy"}


def _post(
    org: LocalOrg, operation: str, *, session: str | None = "", version: str = "59.0", header: str = ""
) -> Answer:
    """Call by an envelope with the namespaces that partner clients write; an empty session is a valid one."""
    if session == "":
        session = _session(org)
    block = (
        "" if session is None else f"<u:SessionHeader><u:sessionId>{session}</u:sessionId></u:SessionHeader>"
    )
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:u="urn:partner.soap.sforce.com" xmlns:s="urn:sobject.partner.soap.sforce.com" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<e:Header>{block}{header}</e:Header><e:Body>{operation}</e:Body></e:Envelope>"
    )
    return org.raw(
        "POST",
        f"/services/Soap/u/{version}",
        data=body.encode(),
        headers={"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'},
    )


def _session(org: LocalOrg) -> str:
    client = {
        "grant_type": "client_credentials",
        "client_id": org.announcement["consumer_key"],
        "client_secret": org.announcement["consumer_secret"],
    }
    return str(org.raw("POST", "/services/oauth2/token", data=client).json()["access_token"])


def _login(org: LocalOrg, *, version: str = "59.0", header: str = "", **changes: str) -> Answer:
    given = {"username": org.announcement["username"], "password": org.announcement["password"], **changes}
    arguments = "".join(f"<u:{name}>{escape(value)}</u:{name}>" for name, value in given.items())
    return _post(org, f"<u:login>{arguments}</u:login>", session=None, version=version, header=header)


def _results(answer: Answer) -> list[Element]:
    assert answer.status_code == 200, answer.text
    return list(fromstring(answer.content).iter(f"{_PARTNER}result"))


def _names(element: Element) -> list[str]:
    return [str(child.tag).removeprefix(_PARTNER) for child in element]


def _texts(element: Element, name: str) -> list[str]:
    return [child.text or "" for child in element.iter(_PARTNER + name)]


def _fault(answer: Answer) -> tuple[int, str | None, str]:
    envelope = fromstring(answer.content)
    detail = next(iter(next(envelope.iter("detail"))))
    kind = detail.get("{http://www.w3.org/2001/XMLSchema-instance}type") or ""
    code = next(envelope.iter("{urn:fault.partner.soap.sforce.com}exceptionCode")).text
    assert next(envelope.iter("faultcode")).text == f"sf:{code}"
    return answer.status_code, code, kind


def _ids(name: str, ids: Sequence[str]) -> str:
    return f"<u:{name}>{''.join(f'<u:ids>{item}</u:ids>' for item in ids)}</u:{name}>"


def _convert(lead_id: str, **more: str) -> str:
    given = {"convertedStatus": "Closed - Converted", "leadId": lead_id, **more}
    return "<u:leadConverts>" + "".join(f"<u:{n}>{v}</u:{n}>" for n, v in given.items()) + "</u:leadConverts>"


def _merge(sobject: str, master: str, *losers: str, fields: str = "") -> str:
    return (
        f"<u:request><u:masterRecord><s:type>{sobject}</s:type><s:Id>{master}</s:Id>{fields}</u:masterRecord>"
        + "".join(f"<u:recordToMergeIds>{loser}</u:recordToMergeIds>" for loser in losers)
        + "</u:request>"
    )


def _configure(org: LocalOrg, **setup: Any) -> None:
    org.control("PUT", "setup", setup)


# -- sign-in


def test_login_answers_the_whole_login_result_in_the_order_of_the_wsdl(org: LocalOrg) -> None:
    (result,) = _results(_login(org))
    assert _names(result) == [
        "metadataServerUrl",
        "passwordExpired",
        "sandbox",
        "serverUrl",
        "sessionId",
        "userId",
        "userInfo",
    ]
    assert _texts(result, "userName") == [org.announcement["username"]]
    assert _texts(result, "serverUrl")[0].startswith(f"{org.url}/services/Soap/u/59.0/00D")


def test_a_session_of_login_serves_rest_and_a_token_of_oauth_serves_soap(org: LocalOrg) -> None:
    (result,) = _results(_login(org))
    headers = {"Authorization": f"Bearer {_texts(result, 'sessionId')[0]}"}
    assert org.raw("GET", "/services/data/v59.0/limits", headers=headers).ok
    (info,) = _results(_post(org, "<u:getUserInfo/>"))
    assert _texts(info, "userId") == [org.announcement["user_id"]]


def test_login_with_an_organization_id_in_its_scope_header_is_accepted(org: LocalOrg) -> None:
    scope = "<u:LoginScopeHeader><u:organizationId>00D000000000001</u:organizationId></u:LoginScopeHeader>"
    assert len(_results(_login(org, header=scope))) == 1


@pytest.mark.parametrize("version", ["65.0", "67.0"])
def test_login_is_no_operation_from_version_65_on(org: LocalOrg, version: str) -> None:
    answer = _login(org, version=version)
    assert _fault(answer) == (400, "INVALID_OPERATION", "sf:LoginFault")
    assert f"not available in the API version specified ({version})" in answer.text


def test_login_is_refused_where_the_org_has_it_switched_off(org: LocalOrg) -> None:
    _configure(org, soap_login=False)
    answer = _login(org)
    assert _fault(answer) == (400, "INVALID_OPERATION", "sf:LoginFault")
    assert "SOAP API login() is disabled by default in this org" in answer.text


def test_login_needs_the_permission_use_any_api_auth(org: LocalOrg) -> None:
    _configure(org, users={org.announcement["username"]: {"permissions": ["ApiEnabled"]}})
    assert _fault(_login(org)) == (400, "INSUFFICIENT_ACCESS", "sf:LoginFault")


def test_a_user_without_the_api_neither_signs_in_nor_calls(org: LocalOrg) -> None:
    session = _session(org)
    _configure(org, users={org.announcement["username"]: {"permissions": ["UseAnyApiAuth"]}})
    assert _fault(_login(org)) == (400, "API_DISABLED_FOR_ORG", "sf:LoginFault")
    assert _fault(_post(org, "<u:getUserInfo/>", session=session))[1] == "API_DISABLED_FOR_ORG"


@pytest.mark.parametrize(
    "changes", [{"password": "wrong"}, {"username": "nobody@example.org"}, {"username": ""}]
)
def test_login_tells_a_wrong_password_and_an_unknown_user_alike(
    org: LocalOrg, changes: dict[str, str]
) -> None:
    answer = _login(org, **changes)
    assert _fault(answer) == (400, "INVALID_LOGIN", "sf:LoginFault")
    assert "Invalid username, password, security token; or user locked out." in answer.text


def test_logout_ends_this_session_and_no_other(org: LocalOrg) -> None:
    ended, other = _session(org), _session(org)
    assert _results(_post(org, "<u:logout/>", session=ended)) == []
    assert _fault(_post(org, "<u:getServerTimestamp/>", session=ended))[1] == "INVALID_SESSION_ID"
    assert _results(_post(org, "<u:getServerTimestamp/>", session=other))


# -- calls and their refusals


@pytest.mark.parametrize("session", [None, "00Dnonsense!token"])
def test_a_call_without_a_valid_session_is_a_fault_that_names_it(org: LocalOrg, session: str | None) -> None:
    answer = _post(org, "<u:getUserInfo/>", session=session)
    assert _fault(answer) == (400, "INVALID_SESSION_ID", "sf:UnexpectedErrorFault")


def test_the_server_tells_its_own_time(org: LocalOrg) -> None:
    org.control("POST", "clock", {"set": "2026-03-01T10:00:00Z", "freeze": True})
    org.sign_in()
    (result,) = _results(_post(org, "<u:getServerTimestamp/>"))
    assert _texts(result, "timestamp") == ["2026-03-01T10:00:00.000Z"]


def test_a_call_that_is_not_implemented_says_so(org: LocalOrg) -> None:
    answer = _post(org, "<u:describeLayout><u:sObjectType>Lead</u:sObjectType></u:describeLayout>")
    assert _fault(answer)[:2] == (501, "NOT_IMPLEMENTED")
    assert "describeLayout" in answer.text


@pytest.mark.parametrize("version", ["20.0", "99.0", "v59.0"])
def test_an_unknown_version_is_a_fault_not_json(org: LocalOrg, version: str) -> None:
    assert _fault(_login(org, version=version))[:2] == (400, "UNSUPPORTED_API_VERSION")


def test_calls_are_counted_as_soap_and_use_up_requests_and_login_is_a_login(org: LocalOrg) -> None:
    session = _session(org)
    org.forget_calls()
    _login(org)
    answer = _post(org, "<u:getUserInfo/>", session=session)
    assert org.calls() == {"login": 1, "soap": 1}
    assert "<type>API REQUESTS</type>" in answer.text
    org.control("POST", "limits", {"DailyApiRequests": {"Max": 0}})
    assert _fault(_post(org, "<u:getUserInfo/>", session=session))[1] == "REQUEST_LIMIT_EXCEEDED"


def test_a_scripted_answer_to_a_soap_call_is_a_fault(org: LocalOrg) -> None:
    session = _session(org)
    org.script({"type": "respond", "kind": "soap", "code": "SERVER_UNAVAILABLE"})
    assert _fault(_post(org, "<u:getUserInfo/>", session=session))[:2] == (503, "SERVER_UNAVAILABLE")


# -- records


def test_undelete_brings_deleted_records_back_and_tells_each_result(org: LocalOrg) -> None:
    lead_id, other = org.seed("Lead", _LEAD, _LEAD)
    org.delete("Lead", lead_id)
    back, refused, malformed = _results(_post(org, _ids("undelete", [lead_id[:15], other, "nonsense"])))
    assert (_texts(back, "id"), _texts(back, "success")) == ([lead_id], ["true"])
    assert (_names(refused), _texts(refused, "statusCode")) == (
        ["errors", "id", "success"],
        ["UNDELETE_FAILED"],
    )
    assert _texts(malformed, "statusCode") == ["MALFORMED_ID"]
    assert {row["Id"] for row in org.records("Lead")} == {lead_id, other}


def test_delete_takes_records_of_several_objects_in_one_call(org: LocalOrg) -> None:
    (lead_id,) = org.seed("Lead", _LEAD)
    (contact_id,) = org.seed("Contact", {"LastName": "Hopper"})
    results = _results(_post(org, _ids("delete", [contact_id, lead_id])))
    assert [_texts(result, "id") for result in results] == [[contact_id], [lead_id]]
    assert org.records("Lead") == org.records("Contact") == []


def test_delete_all_or_none_undoes_what_went_well(org: LocalOrg) -> None:
    (lead_id,) = org.seed("Lead", _LEAD)
    header = "<u:AllOrNoneHeader><u:allOrNone>true</u:allOrNone></u:AllOrNoneHeader>"
    results = _results(_post(org, _ids("delete", [lead_id, "nonsense"]), header=header))
    assert [_texts(result, "success") for result in results] == [["false"], ["false"]]
    assert _texts(results[0], "statusCode") == ["ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    assert len(org.records("Lead")) == 1


def test_the_recycle_bin_is_emptied_of_what_is_in_it_only(org: LocalOrg) -> None:
    gone, kept = org.seed("Lead", _LEAD, _LEAD)
    org.delete("Lead", gone)
    results = _results(_post(org, _ids("emptyRecycleBin", [gone, kept])))
    assert [_texts(result, "success") for result in results] == [["true"], ["false"]]
    everything = org.control("GET", "records/Lead?include_deleted=true")
    assert [row["Id"] for row in everything] == [kept]


def test_more_than_200_records_are_refused_whole(org: LocalOrg) -> None:
    answer = _post(org, _ids("delete", ["00Q000000000001"] * 201))
    assert _fault(answer)[:2] == (400, "EXCEEDED_ID_LIMIT")


def test_convert_lead_makes_an_account_and_a_contact_and_tells_their_ids(org: LocalOrg) -> None:
    (lead_id,) = org.seed("Lead", _LEAD)
    conversion = _convert(lead_id, doNotCreateOpportunity="true", overwriteLeadSource="false")
    (result,) = _results(_post(org, f"<u:convertLead>{conversion}</u:convertLead>"))
    assert _names(result) == ["accountId", "contactId", "leadId", "opportunityId", "success"]
    (contact,) = org.records("Contact", LastName="Hopper")
    assert _texts(result, "contactId") == [contact["Id"]]
    assert _texts(result, "accountId") == [contact["AccountId"]]


def test_convert_lead_minds_every_wish_of_the_request(org: LocalOrg) -> None:
    (owner,) = org.seed("User", {"Username": "o@example.org", "LastName": "Own", "Email": "o@example.org"})
    (contact,) = org.seed("Contact", {"LastName": "Hopper", "LeadSource": "Web"})
    first, second = org.seed("Lead", _LEAD, {**_LEAD, "LeadSource": "Other"})
    (account,) = org.seed("Account", {"Name": "Navy"})
    org.change("Contact", Id=contact, AccountId=account)
    wishes = _convert(first, ownerId=owner, opportunityName="Fleet") + _convert(
        second,
        accountId=account,
        contactId=contact,
        doNotCreateOpportunity="true",
        overwriteLeadSource="true",
    )
    made, joined = _results(_post(org, f"<u:convertLead>{wishes}</u:convertLead>"))
    (opportunity,) = org.records("Opportunity")
    assert (opportunity["Name"], opportunity["OwnerId"]) == ("Fleet", owner)
    assert _texts(made, "opportunityId") == [opportunity["Id"]]
    assert [_texts(joined, name) for name in ("accountId", "contactId")] == [[account], [contact]]
    assert org.records("Contact", Id=contact)[0]["LeadSource"] == "Other"


def test_a_status_that_is_not_one_of_converted_leads_is_the_leads_own_error(org: LocalOrg) -> None:
    (lead_id,) = org.seed("Lead", _LEAD)
    wrong = _convert(lead_id, convertedStatus="Open - Not Contacted", doNotCreateOpportunity="true")
    (result,) = _results(_post(org, f"<u:convertLead>{wrong}</u:convertLead>"))
    assert _texts(result, "success") == ["false"]
    assert "invalid convertedStatus" in _texts(result, "message")[0]


def test_convert_lead_tells_each_lead_its_own_error(org: LocalOrg) -> None:
    lead_id, converted = org.seed("Lead", _LEAD, _LEAD)
    org.control("POST", "convert", {"lead_id": converted})
    both = _convert(converted) + _convert(lead_id, doNotCreateOpportunity="true")
    refused, done = _results(_post(org, f"<u:convertLead>{both}</u:convertLead>"))
    assert _texts(refused, "success") == ["false"]
    assert len(_texts(refused, "statusCode")) == 1
    assert _texts(done, "success") == ["true"]


def test_convert_lead_needs_the_permission_convert_leads(org: LocalOrg) -> None:
    (lead_id,) = org.seed("Lead", _LEAD)
    _configure(org, users={org.announcement["username"]: {"permissions": ["ApiEnabled"]}})
    answer = _post(org, f"<u:convertLead>{_convert(lead_id)}</u:convertLead>")
    assert _fault(answer)[:2] == (400, "INSUFFICIENT_ACCESS")


def test_merge_moves_what_pointed_at_the_loser_and_keeps_the_values_of_the_request(org: LocalOrg) -> None:
    master, loser = org.seed("Contact", {"LastName": "Hopper"}, {"LastName": "Hoper"})
    span = {"StartDateTime": "2026-03-20T10:00:00Z", "EndDateTime": "2026-03-20T10:30:00Z"}
    (event_id,) = org.seed("Event", {"Subject": "Visit", "WhoId": loser, **span})
    request = _merge("Contact", master, loser, fields="<s:FirstName>Grace &amp; Co</s:FirstName>")
    (result,) = _results(_post(org, f"<u:merge>{request}</u:merge>"))
    assert _names(result) == ["id", "mergedRecordIds", "success", "updatedRelatedIds"]
    assert (_texts(result, "mergedRecordIds"), _texts(result, "updatedRelatedIds")) == ([loser], [event_id])
    assert org.records("Contact")[0]["FirstName"] == "Grace & Co"
    assert org.records("Event")[0]["WhoId"] == master


def test_the_master_of_a_merge_loses_only_the_values_that_are_named_to_be_emptied(org: LocalOrg) -> None:
    kept = {"LastName": "Hopper", "FirstName": "Grace", "Title": "Admiral", "Phone": "1"}
    master, loser = org.seed("Contact", kept, {"LastName": "Hoper"})
    fields = '<s:fieldsToNull>Phone</s:fieldsToNull><s:FirstName xsi:nil="true"/><s:Title/>'
    _results(_post(org, f"<u:merge>{_merge('Contact', master, loser, fields=fields)}</u:merge>"))
    (contact,) = org.records("Contact")
    assert [contact[name] for name in ("FirstName", "Title", "Phone")] == ["Grace", None, None]


def test_each_merge_is_a_transaction_of_its_own(org: LocalOrg) -> None:
    first, second, loser = org.seed("Lead", _LEAD, _LEAD, _LEAD)
    wrong = _merge("Lead", first, "00Q000000000009", fields="<s:FirstName>Lost</s:FirstName>")
    refused, done = _results(_post(org, f"<u:merge>{wrong}{_merge('Lead', second, loser)}</u:merge>"))
    assert (_texts(refused, "success"), _texts(done, "success")) == (["false"], ["true"])
    assert org.records("Lead", FirstName="Lost") == []


def test_letters_that_xml_cannot_hold_never_break_an_answer(org: LocalOrg) -> None:
    org.control(
        "POST",
        "records/User",
        [{"Username": "x@example.org", "LastName": "A\x01<&>B", "Email": "x@example.org"}],
    )
    (result,) = _results(_login(org, username="x@example.org"))
    assert _texts(result, "userFullName") == ["A<&>B"]
