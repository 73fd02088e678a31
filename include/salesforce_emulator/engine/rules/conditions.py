"""Conditions of the setup document, judged on a record as it will be once it is written.

Texts compare in any letter case and trimmed, as criteria of rules do. A blank field equals nothing, contains nothing,
and is neither less nor greater than anything; `is_changed` is false of a new record, as `ISCHANGED` is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.schema import TEXTS, Field, Schema, SObject
from include.salesforce_emulator.engine.values import RefusedValueError, converter

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Draft
    from include.salesforce_emulator.engine.org_setup import Condition

Test = Callable[["Draft"], bool]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {"less_than": operator.lt, "greater_than": operator.gt}


def all_hold(conditions: Sequence[Condition], sobject: SObject, schema: Schema) -> Test:
    """Return the function that tells whether a draft of the object meets every condition.

    Raises:
        SalesforceFault: INVALID_SETUP, a condition names no field of the object or a value its field cannot hold.
    """
    tests = [_test(condition, sobject, schema) for condition in conditions]
    return lambda draft: all(test(draft) for test in tests)


def invalid_setup(message: str) -> SalesforceFault:
    """Return the fault for a setup document that does not fit the org."""
    return SalesforceFault(400, "INVALID_SETUP", message)


@contextmanager
def named(rule: str) -> Iterator[None]:
    """Put the rule's name before what is wrong with it."""
    try:
        yield
    except SalesforceFault as fault:
        raise invalid_setup(f"{rule}: {fault.message}") from fault


def known_object(schema: Schema, name: str) -> SObject:
    """Return an object that a rule names, in any letter case.

    Raises:
        SalesforceFault: INVALID_SETUP.
    """
    found = schema.find(name)
    if found is None:
        raise invalid_setup(f"The org has no object {name}.")
    return found


def known_field(sobject: SObject, name: str) -> Field:
    """Return a field that a rule names, in any letter case.

    Raises:
        SalesforceFault: INVALID_SETUP.
    """
    found = sobject.field(name)
    if found is None:
        raise invalid_setup(f"{sobject.name} has no field {name}.")
    return found


def folded(value: Any) -> Any:
    """Return a stored value as rules compare it."""
    return value.strip().lower() if isinstance(value, str) else value


def _test(condition: Condition, sobject: SObject, schema: Schema) -> Test:
    field = known_field(sobject, condition.field)
    name = field.name
    if condition.operator == "is_changed":
        return lambda draft: not draft.is_new and draft.changes(name)
    if condition.operator == "is_blank" or (condition.operator == "equals" and condition.value in (None, "")):
        return lambda draft: draft.after(name) in (None, "")
    if condition.operator == "is_not_blank" or (
        condition.operator == "not_equals" and condition.value in (None, "")
    ):
        return lambda draft: draft.after(name) not in (None, "")
    wanted = _wanted(condition, field, schema)
    return _comparison(condition.operator, name, wanted)


def _comparison(kind: str, name: str, wanted: Any) -> Test:
    if kind == "equals":
        return lambda draft: folded(draft.after(name)) == wanted
    if kind == "not_equals":
        return lambda draft: folded(draft.after(name)) != wanted
    if kind == "contains":
        return lambda draft: str(wanted) in _text(draft.after(name))
    if kind == "not_contains":
        return lambda draft: str(wanted) not in _text(draft.after(name))
    if kind == "starts_with":
        return lambda draft: _text(draft.after(name)).startswith(str(wanted))
    compare = _ORDER[kind]

    def in_order(draft: Draft) -> bool:
        value = folded(draft.after(name))
        return value is not None and compare(value, wanted)

    return in_order


def _text(value: Any) -> str:
    return "" if value is None else str(folded(value))


def _wanted(condition: Condition, field: Field, schema: Schema) -> Any:
    """Return a condition's value as the field stores it, folded."""
    value = condition.value
    if value is None:
        raise invalid_setup(f"The condition {condition.operator} on {field.name} needs a value.")
    if condition.operator in ("contains", "not_contains", "starts_with"):
        return folded(str(value))
    if field.type in TEXTS:
        return folded(str(value))
    try:
        return folded(converter(field, schema, from_csv=isinstance(value, str))(value))
    except RefusedValueError as refused:
        raise invalid_setup(f"The condition on {field.name}: {refused.row_error.message}") from refused
