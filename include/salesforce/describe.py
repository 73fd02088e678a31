"""What an org says about an object and its fields ("sObject Describe", REST API guide)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from include.errors import RequestRefusedError
from include.salesforce.refusals import no_access
from include.salesforce.session import SalesforceSession
from include.salesforce.soql import identifier

_NOT_FOUND: Final = "NOT_FOUND"


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """One field as our user may use it.

    ``length`` counts characters and ``digits`` those before the decimal point; both are 0 where they have no meaning.
    """

    name: str
    label: str
    type: str
    length: int
    digits: int
    createable: bool
    updateable: bool
    filterable: bool
    nillable: bool
    defaulted_on_create: bool
    custom: bool
    calculated: bool
    unique: bool
    external_id: bool
    restricted_picklist: bool
    picklist_values: tuple[str, ...]  # the active ones
    reference_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectDescription(Mapping[str, FieldDescription]):
    """An object's fields by API name, and what our user may do with records; a field that is hidden is absent."""

    name: str
    label: str
    key_prefix: str
    fields: Mapping[str, FieldDescription]
    createable: bool
    updateable: bool
    deletable: bool

    def __getitem__(self, name: str) -> FieldDescription:
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)


def read_description(session: SalesforceSession, sobject: str) -> ObjectDescription:
    """Ask the org for one object.

    Raises:
        ConfigurationError: our user may not see the object, or the org has none of that name: it tells no difference.
    """
    path, what = f"sobjects/{identifier(sobject)}/describe", f"describe {sobject}"
    try:
        answer = session.run(lambda client: client.restful(path), what=what)
    except RequestRefusedError as error:
        if error.code != _NOT_FOUND:
            raise
        raise no_access(what, error.code) from None
    return ObjectDescription(
        name=answer["name"],
        label=answer["label"],
        key_prefix=answer.get("keyPrefix") or "",
        fields={field["name"]: _field(field) for field in answer["fields"]},
        createable=answer["createable"],
        updateable=answer["updateable"],
        deletable=answer["deletable"],
    )


def _field(described: Mapping[str, Any]) -> FieldDescription:
    return FieldDescription(
        name=described["name"],
        label=described["label"],
        type=described["type"],
        length=described.get("length") or 0,
        digits=_digits(described),
        createable=described["createable"],
        updateable=described["updateable"],
        filterable=described["filterable"],
        nillable=described["nillable"],
        defaulted_on_create=described["defaultedOnCreate"],
        custom=described["custom"],
        calculated=described["calculated"],
        unique=described["unique"],
        external_id=described["externalId"],
        restricted_picklist=described["restrictedPicklist"],
        picklist_values=tuple(
            choice["value"] for choice in described.get("picklistValues") or () if choice.get("active")
        ),
        reference_to=tuple(described.get("referenceTo") or ()),
    )


def _digits(described: Mapping[str, Any]) -> int:
    """Return the digits that a number may have before its decimal point; ``digits`` is an integer's own word for it."""
    whole: int = (described.get("precision") or 0) - (described.get("scale") or 0)
    return whole or described.get("digits") or 0
