"""What changing the field mappings takes: checks, the defaults, the org's own custom fields (rules F1 to F3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.mapping.fields import default_mappings
from include.mapping.mapping_checks import mapping_problems, question_problems
from include.mapping.org_fields import FieldFacts, OrgFields
from include.pipeline.check_org import describe_fields
from include.settings.field_mapping import FieldMapping, Sobject, set_problems
from include.settings.model import Settings

if TYPE_CHECKING:
    from include.salesforce.gateway import SalesforceGateway


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field of the org that our user may write and nothing is mapped to."""

    sobject: Sobject
    name: str
    facts: FieldFacts


def check_mappings(
    mappings: Sequence[FieldMapping],
    *,
    settings: Settings,
    org_fields: OrgFields | None,
    questions: Collection[str] | None,
) -> None:
    """Check that mappings agree with each other and, as far as these are at hand, with the org and the questions.

    Args:
        mappings: those of all sObjects.
        settings: they say which objects are created and updated.
        org_fields: the org's fields of ``written_sobjects``; None passes over what only the org knows.
        questions: the names of Coconut's questions; None passes over whether an answer has one.

    Raises:
        ConfigurationError: with every problem.
    """
    problems = (
        set_problems(mappings) if org_fields is None else mapping_problems(mappings, org_fields, settings)
    )
    if questions is not None:
        problems += question_problems(mappings, questions, settings)
    if problems:
        msg = "The field mappings are refused; nothing was changed."
        raise ConfigurationError(msg, problems)


def org_fields_of(connect: Callable[[], SalesforceGateway], sobjects: Sequence[Sobject]) -> OrgFields:
    """Sign in, and return what the org says of these objects' fields."""
    salesforce = connect()
    try:
        return describe_fields(salesforce, sobjects)
    finally:
        salesforce.close()


def with_defaults(
    mappings: Sequence[FieldMapping], sobject: Sobject | None = None
) -> tuple[FieldMapping, ...]:
    """Return mappings with the defaults in the place of one sObject's, or of all (rule F1)."""
    if sobject is None:
        return default_mappings()
    return tuple(
        mapping
        for each in Sobject
        for mapping in (default_mappings(each) if each is sobject else mappings)
        if mapping.sobject is each
    )


def unmapped_custom_fields(
    org_fields: OrgFields, sobject: Sobject, mappings: Iterable[FieldMapping]
) -> list[CustomField]:
    """Return the custom fields of an object that could be mapped, in alphabetical order (rule F3)."""
    taken = {mapping.target for mapping in mappings if mapping.sobject is sobject}
    return [
        CustomField(sobject, name, facts)
        for name, facts in sorted(org_fields.objects.get(sobject, {}).items())
        if facts.is_custom and facts.createable and not facts.is_calculated and name not in taken
    ]
