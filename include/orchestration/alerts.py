"""Tells people of failed runs, a refused connection and a rising quarantine, through Airflow's notifiers (rule Q9).

Airflow calls ``alert_failed_run`` once for a failed run, in the DAG processor; the rising quarantine is noticed by the
task that settles a run. Which notifiers, the Airflow connection ``sync_alerts`` says; without it nobody is told, and
nothing else changes. Imported by every parse of a DAG file, so everything heavy stays inside the functions.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from include.errors import AnotherOrgError, AppointmentSyncError, ConfigurationError, SignInRefusedError
from include.orchestration.connections import find_connection, ledger_engine
from include.orchestration.stage import FAILURE_KEY, path_safe_run_id

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier

    from include.pipeline.context import Wiring

ALERTS: Final = "sync_alerts"
MANUAL: Final = "docs/operations.md"

_REFUSED_CONNECTION: Final = frozenset({SignInRefusedError.__name__, AnotherOrgError.__name__})

_TEXT_ARGUMENTS: Final = {
    "subject": "{{ alert.subject }}",
    "title": "{{ alert.subject }}",
    "html_content": "{{ alert.html }}",
    "text": "{{ alert.text }}",
    "message": "{{ alert.text }}",
    "body": "{{ alert.text }}",
}
"""What a notifier says where the connection leaves it open: templates, for what they stand for may hold braces."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alert:
    """What people are told: counts, names and sentences of our own errors, never personal data.

    ``section`` is the heading of the manual to read, ``run_url`` the page of the run in Airflow.
    """

    subject: str
    sentence: str
    section: str
    run_url: str
    manual: str = MANUAL

    @property
    def manual_url(self) -> str:
        """Return where the section of the manual is."""
        return f"{self.manual}#{self.section}"

    @property
    def text(self) -> str:
        """Return the alert as plain text."""
        return f"{self.sentence}\n\nThe run: {self.run_url}\nWhat to do: {self.manual_url}\n"

    @property
    def html(self) -> str:
        """Return the alert as HTML."""
        run, manual = escape(self.run_url), escape(self.manual_url)
        return f'<p>{escape(self.sentence)}</p><p>The run: <a href="{run}">{run}</a></p><p>What to do: {manual}</p>'


@dataclass(frozen=True, slots=True)
class NotifierChoice:
    """One notifier that the connection names: the path of its class, and its arguments."""

    path: str
    arguments: Mapping[str, Any]

    def build(self) -> BaseNotifier:
        """Return the notifier; text that the arguments leave open is the alert's.

        Raises:
            ConfigurationError: there is no such notifier, or it takes other arguments.
        """
        from airflow.sdk import BaseNotifier

        module, _, name = self.path.rpartition(".")
        try:
            found = getattr(import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            msg = f"The connection {ALERTS} names the notifier {self.path}, which cannot be imported: correct its path."
            raise ConfigurationError(msg) from error
        if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
            msg = f"The connection {ALERTS} names {self.path}, which is no notifier of Airflow: correct its path."
            raise ConfigurationError(msg)
        taken = inspect.signature(found).parameters
        texts = {name: text for name, text in _TEXT_ARGUMENTS.items() if name in taken}
        try:
            return found(**{**texts, **self.arguments})
        except TypeError as error:
            msg = f"The connection {ALERTS} gives the notifier {self.path} other arguments than it takes: correct them."
            raise ConfigurationError(msg) from error


def alert_failed_run(context: Mapping[str, Any]) -> None:
    """Tell that a run failed; what a DAG calls when it did.

    The ledger's runs that the failed run left at work are marked as failed.
    """
    dag_id, run_id = context["dag"].dag_id, context["run_id"]
    failure = _failure_of(context)
    task = f" in {context['ti'].task_id}" if "ti" in context else ""
    is_refused = failure.get("error") in _REFUSED_CONNECTION
    alert = Alert(
        subject=f"{dag_id}: the Salesforce connection is refused" if is_refused else f"{dag_id} failed",
        sentence=failure.get("sentence")
        or f"The run {run_id} of {dag_id} failed{task}; the task's log says why.",
        section="sign-in-to-salesforce" if is_refused else "when-a-task-fails",
        run_url=_run_url(dag_id, run_id),
    )
    send(alert, context)
    _close_runs(path_safe_run_id(dag_id, run_id))


def alert_rising_quarantine(wiring: Wiring, context: Mapping[str, Any]) -> None:
    """Tell that many more rows are quarantined than when people were last told, if that is so."""
    from include.pipeline.quarantine_level import rising_quarantine

    rising = rising_quarantine(wiring)
    if rising is None:
        return
    dag_id, run_id = context["dag_run"].dag_id, context["dag_run"].run_id
    alert = Alert(
        subject=f"The quarantine rises: {rising.now} rows",
        sentence=rising.sentence,
        section="when-a-booking-does-not-arrive",
        run_url=_run_url(dag_id, run_id),
    )
    if send(alert, context):
        wiring.ledger.tell_quarantine(rising.now)


def send(alert: Alert, context: Mapping[str, Any]) -> int:
    """Hand an alert to every notifier that the connection names, and return how many took it.

    Whatever a notifier does wrong is logged and goes no further: an alert must not fail what it tells of.
    """
    try:
        choices, manual = read_choices()
    except ConfigurationError as error:
        log.warning("No alert was sent: %s", error)
        return 0
    # Without the DAG, notifiers render their templates in Airflow's sandbox; that of a headless run can render none.
    told = {name: value for name, value in context.items() if name != "dag"}
    told["alert"] = replace(alert, manual=manual)
    taken = 0
    for choice in choices:
        try:
            choice.build()(dict(told))
        except ConfigurationError as error:
            log.warning("No alert was sent: %s", error)
        except Exception as error:  # noqa: BLE001 - other people's code, and its text may quote a secret
            log.warning("The notifier %s failed (%s): no alert was sent.", choice.path, type(error).__name__)
        else:
            taken += 1
    return taken


def read_choices() -> tuple[list[NotifierChoice], str]:
    """Return the notifiers that the connection names, none without it, and where the manual is.

    Raises:
        ConfigurationError: the connection cannot be read, or does not list notifiers as it should.
    """
    connection = find_connection(ALERTS)
    if connection is None:
        return [], MANUAL
    extras = connection.extra_dejson
    listed = extras.get("notifiers", [])
    if not isinstance(listed, list) or not all(map(_is_choice, listed)):
        msg = (
            f'The extra field notifiers of the connection {ALERTS} has to be a list of {{"class": …, "arguments": '
            "{…}}: correct it."
        )
        raise ConfigurationError(msg)
    choices = [NotifierChoice(one["class"], one.get("arguments", {})) for one in listed]
    return choices, str(extras.get("manual_url") or MANUAL)


def _is_choice(listed: object) -> bool:
    return (
        isinstance(listed, Mapping)
        and isinstance(listed.get("class"), str)
        and isinstance(listed.get("arguments", {}), Mapping)
    )


def _failure_of(context: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what the failed task left (``FAILURE_KEY``), or nothing: it was killed, or its error is a defect."""
    if "ti" not in context:
        return {}
    failed = context["ti"]
    try:
        left = failed.xcom_pull(task_ids=failed.task_id, map_indexes=failed.map_index, key=FAILURE_KEY)
    except Exception as error:  # noqa: BLE001 - without its cause, an alert is still worth sending
        log.warning("What %s left cannot be read (%s).", failed.task_id, type(error).__name__)
        return {}
    return left if isinstance(left, Mapping) else {}


def _close_runs(run_id: str) -> None:
    from include.ledger.repository import Ledger

    try:
        engine = ledger_engine()
        try:
            Ledger.open(engine).give_up_runs(run_id, now=datetime.now(UTC))
        finally:
            engine.dispose()
    except AppointmentSyncError as error:
        log.warning("The ledger still shows the failed run as running: %s", error)


def _run_url(dag_id: str, run_id: str) -> str:
    from airflow.sdk.configuration import conf

    base = conf.get("api", "base_url", fallback="") or "http://localhost:8080"
    return f"{base.rstrip('/')}/dags/{quote(dag_id)}/runs/{quote(run_id)}"
