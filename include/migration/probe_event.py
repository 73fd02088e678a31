"""Whether our user may edit and delete Events that others own, seen by one that nobody ever sees (rule G3).

The Event is made, changed and deleted in one request that Salesforce undoes as a whole (``include.salesforce.trial``):
a user who may create an Event for another one, and then not delete it, would leave it behind otherwise.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from include.errors import RequestRefusedError
from include.salesforce import soql
from include.salesforce.trial import Attempt
from include.settings.field_mapping import Sobject

if TYPE_CHECKING:
    from datetime import datetime

    from include.salesforce.gateway import SalesforceGateway

_SUBJECT: Final = "Permission check of the appointment sync"
_STEPS: Final = {
    "made": "make an Event for another user",
    "changed": "change an Event that another user owns",
    "removed": "delete an Event that another user owns",
}


def probe_event(salesforce: SalesforceGateway, *, now: datetime) -> list[str]:
    """Return what our user may not do with another user's Event, one sentence without full stop, or nothing.

    Automation on Event runs, too, and may reach outside the org; that is why an administrator has to allow this.
    """
    owner_id = _another_user(salesforce)
    if owner_id is None:
        return ["there is no other active User for whom an Event could be tried"]
    starts_at = now + timedelta(days=1)
    event = {
        "Subject": _SUBJECT,
        "StartDateTime": soql.instant(starts_at),
        "EndDateTime": soql.instant(starts_at + timedelta(minutes=15)),
        "ShowAs": "Free",
        "OwnerId": owner_id,
    }
    attempts = [
        Attempt("made", "POST", "sobjects/Event", event),
        Attempt("changed", "PATCH", "sobjects/Event/@{made.id}", {"Location": _SUBJECT}),
        Attempt("removed", "DELETE", "sobjects/Event/@{made.id}"),
    ]
    try:
        refused = salesforce.try_and_undo(Sobject.EVENT, attempts)
    except RequestRefusedError as error:
        return [f"no Event of another user could be tried ({error.code or error})"]
    return [
        f"the integration user cannot {_STEPS[name]} ({code}); give it the permission Modify All Data or a role above "
        "the owners, or share activities as Controlled by Parent"
        for name, code in refused.items()
    ]


def _another_user(salesforce: SalesforceGateway) -> str | None:
    """Return an active standard User who is not us; one that owns nothing of ours is as good as any."""
    conditions = [soql.equals("IsActive", True), soql.equals("UserType", "Standard")]
    query = soql.select(("Id",), "User", where=conditions, order_by=("CreatedDate", "Id"), limit=2)
    users = [str(user["Id"]) for user in salesforce.query(query) if user["Id"] != salesforce.user_id]
    return users[0] if users else None
