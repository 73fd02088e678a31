"""What the connection to Salesforce lacks for the modern integration, all of it together (rules G3, G4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError, RequestRefusedError
from include.mapping.fields import CLIENT_KEY
from include.mapping.mapping_checks import mapping_problems, question_problems, written_sobjects
from include.mapping.org_fields import OrgFields
from include.mapping.plan import BOOKING_KEY
from include.pipeline.assignment_rules import assignment_rule
from include.pipeline.check_org import describe_fields, known_questions
from include.pipeline.people_settings import check_people_settings
from include.settings.field_mapping import Sobject

if TYPE_CHECKING:
    from include.pipeline.context import Wiring
    from include.salesforce.describe import ObjectDescription
    from include.salesforce.gateway import SalesforceGateway
    from include.settings.model import Settings

_USER: Final = "User"
_OF_PACKAGE: Final = "Coconut_"
_KEYS: Final[Mapping[str, str]] = {
    Sobject.EVENT: BOOKING_KEY,
    Sobject.LEAD: CLIENT_KEY,
    Sobject.CONTACT: CLIENT_KEY,
    Sobject.ACCOUNT: CLIENT_KEY,
}


@dataclass(frozen=True, slots=True)
class Shortcomings:
    """Sentences without full stop.

    Attributes:
        connection: what keeps the connection from being used at all.
        activation: what the package and its permission set bring, and so an administrator's enabling mends (rule G4).
    """

    connection: tuple[str, ...] = ()
    activation: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Return everything there is, each once."""
        return tuple(dict.fromkeys((*self.connection, *self.activation)))


def find_shortcomings(wiring: Wiring, settings: Settings) -> Shortcomings:
    """Try whatever can be tried without writing, and return all that fails.

    Args:
        wiring: the adapters; nobody has to be signed in yet.
        settings: they say which people the sync creates and updates.

    Raises:
        SourceUnavailableError, SalesforceUnavailableError
    """
    try:
        salesforce = wiring.salesforce
    except ConfigurationError as refused:
        return Shortcomings(connection=(as_problem(refused),))
    wanted = dict.fromkeys((*written_sobjects(settings), Sobject.LEAD, Sobject.CONTACT, Sobject.ACCOUNT))
    described, hidden = _describe(salesforce, [*wanted, _USER])
    org_fields = describe_fields(salesforce, [one for one in wanted if one in described])
    found = [
        *hidden,
        *_missing_rights(described, settings),
        *_misfits(wiring, settings, org_fields),
        *_keys_that_are_none(described, settings),
        *_unfit_settings(salesforce, settings),
    ]
    activation = [problem for problem in found if _is_of_package(problem)]
    return Shortcomings(tuple(one for one in found if not _is_of_package(one)), tuple(activation))


def as_problem(error: Exception) -> str:
    """Return an error's sentence so that it can stand in a list of problems."""
    return str(error).removesuffix(".")


def _describe(
    salesforce: SalesforceGateway, sobjects: list[str]
) -> tuple[dict[str, ObjectDescription], list[str]]:
    described: dict[str, ObjectDescription] = {}
    hidden: list[str] = []
    for sobject in sobjects:
        try:
            described[sobject] = salesforce.describe(sobject)
        except (ConfigurationError, RequestRefusedError) as refused:
            hidden.append(as_problem(refused))
    return described, hidden


def _missing_rights(described: Mapping[str, ObjectDescription], settings: Settings) -> Iterator[str]:
    event, *people = written_sobjects(settings)
    wanted = {event: ("create", "edit", "delete"), people[0]: ("create", "edit")}
    for sobject, rights in wanted.items():
        if sobject not in described:
            continue
        one = described[sobject]
        has = {"create": one.createable, "edit": one.updateable, "delete": one.deletable}
        for right in rights:
            if not has[right]:
                yield f"the integration user may not {right} records of {sobject}"


def _misfits(wiring: Wiring, settings: Settings, org_fields: OrgFields) -> list[str]:
    """Return what keeps the mappings in force from being written; those of hidden objects are passed over."""
    mappings = wiring.ledger.current_mappings().mappings
    visible = [mapping for mapping in mappings if mapping.sobject in org_fields.objects]
    problems = mapping_problems(visible, org_fields, settings)
    hidden = {f"{sobject}." for sobject in written_sobjects(settings) if sobject not in org_fields.objects}
    questions = known_questions(lambda: wiring.source.engine, mappings)
    asked = question_problems(mappings, questions, settings)
    return [problem for problem in problems if not problem.startswith(tuple(hidden))] + asked


def _keys_that_are_none(described: Mapping[str, ObjectDescription], settings: Settings) -> Iterator[str]:
    for sobject in written_sobjects(settings):
        key = described[sobject].get(_KEYS[sobject]) if sobject in described else None
        if key is not None and not (key.unique and key.external_id):
            yield f"{sobject}.{_KEYS[sobject]} is no unique External ID, so that rows sent twice would land twice"


def _unfit_settings(salesforce: SalesforceGateway, settings: Settings) -> Iterator[str]:
    checks: tuple[Callable[[SalesforceGateway, Settings], object], ...] = (
        check_people_settings,
        assignment_rule,
    )
    for check in checks:
        try:
            check(salesforce, settings)
        except (ConfigurationError, RequestRefusedError) as refused:
            yield as_problem(refused)


def _is_of_package(problem: str) -> bool:
    return problem.partition(".")[2].startswith(_OF_PACKAGE)
