"""Check the mappings in force against org and questions, before the first write of a run (rule F3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.mapping.field_sources import questions_read
from include.mapping.mapping_checks import mapping_problems, question_problems, written_sobjects
from include.mapping.org_fields import FieldFacts, OrgFields
from include.pipeline.assignment_rules import assignment_rule
from include.pipeline.people_settings import check_people_settings
from include.settings.field_mapping import FieldMapping
from include.settings.model import Settings
from include.source.questions import read_question_names

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from include.salesforce.describe import FieldDescription
    from include.salesforce.gateway import SalesforceGateway


def check_org(
    salesforce: SalesforceGateway,
    settings: Settings,
    mappings: Sequence[FieldMapping],
    *,
    questions: Collection[str],
) -> OrgFields:
    """Check that the org takes every mapped field, and return what it says of the objects that may be written.

    Args:
        salesforce: the org.
        settings: they say which objects are created and updated.
        mappings: those of all sObjects.
        questions: the names of the questions that may be answered (``known_questions``).

    Raises:
        ConfigurationError: fields are missing, hidden, not writable, of another type or too short, a required one has
            no source, or an answer has no question; all of them are named. Or the settings ask for Person Accounts, a
            record type or an assignment rule that the org does not have.
    """
    check_people_settings(salesforce, settings)
    org_fields = describe_fields(salesforce, written_sobjects(settings))
    problems = [
        *mapping_problems(mappings, org_fields, settings),
        *question_problems(mappings, questions, settings),
    ]
    if problems:
        msg = (
            "The field mappings do not fit Salesforce or Coconut; deploy include/salesforce_package, assign its "
            "permission set to the integration user, or change the mappings:"
        )
        raise ConfigurationError(msg, problems)
    assignment_rule(salesforce, settings)
    return org_fields


def known_questions(open_source: Callable[[], Engine], mappings: Sequence[FieldMapping]) -> frozenset[str]:
    """Return the names of Coconut's questions; the database is not even opened where no mapping reads an answer.

    Raises:
        SourceUnavailableError: the booking database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    return read_question_names(open_source()) if questions_read(mappings) else frozenset()


def describe_fields(salesforce: SalesforceGateway, sobjects: Sequence[str]) -> OrgFields:
    """Return what the org says of these objects' fields, one describe each."""
    return OrgFields(
        {
            str(sobject): {
                name: _facts(described)
                for name, described in salesforce.describe(str(sobject)).fields.items()
            }
            for sobject in sobjects
        }
    )


def _facts(described: FieldDescription) -> FieldFacts:
    return FieldFacts(
        type=described.type,
        label=described.label,
        length=described.length,
        digits=described.digits,
        createable=described.createable,
        updateable=described.updateable,
        nillable=described.nillable,
        has_default=described.defaulted_on_create,
        is_custom=described.custom,
        is_calculated=described.calculated,
        is_restricted=described.restricted_picklist,
        picklist_values=described.picklist_values,
        reference_to=described.reference_to,
    )
