"""Alerts go through whatever notifiers the connection names, say no more than they may, and break nothing (rule Q9)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from airflow.sdk import DAG
from sqlalchemy import create_engine

from include.errors import AnotherOrgError, ConfigurationError, SignInRefusedError
from include.ledger.repository import Ledger
from include.orchestration.alerts import (
    Alert,
    alert_failed_run,
    alert_rising_quarantine,
    read_choices,
    send,
)
from include.orchestration.stage import path_safe_run_id
from include.pipeline.context import Selection, SyncRun, Trigger, Wiring
from include.pipeline.quarantine_level import has_risen
from include.source.gateway import SourceGateway
from include.staging import Staging
from tests.ledger import builders
from tests.mail import Inbox, inbox, text_of

pytestmark = pytest.mark.rule("Q9")

SMTP = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
RUN_ID = "scheduled__2026-03-29T01:30:00+00:00"
RUN_URL = "http://localhost:8080/dags/sync_staff/runs/scheduled__2026-03-29T01%3A30%3A00%2B00%3A00"


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """Return the inbox of a mail server that ``smtp_default`` leads to."""
    with inbox() as arrived:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", arrived.connection)
        yield arrived


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ledger:
    file = tmp_path / "ledger.db"
    monkeypatch.setenv("AIRFLOW_CONN_SYNC_LEDGER", f"sqlite:///{file}")
    return Ledger.open(create_engine(f"sqlite:///{file}"))


def configure(monkeypatch: pytest.MonkeyPatch, *notifiers: Any, **extras: Any) -> None:
    extra = {"notifiers": list(notifiers), **extras}
    monkeypatch.setenv("AIRFLOW_CONN_SYNC_ALERTS", json.dumps({"conn_type": "generic", "extra": extra}))


def by_mail(**arguments: Any) -> dict[str, Any]:
    return {"class": SMTP, "arguments": {"to": "ops@example.com", **arguments}}


class FailedTask:
    """The failed task instance of a run's callback, and what it left."""

    task_id = "match_people"
    map_index = -1

    def __init__(self, left: object) -> None:
        self._left = left

    def xcom_pull(self, **_: object) -> object:
        if isinstance(self._left, Exception):
            raise self._left
        return self._left


def failed_run(left: object = None) -> dict[str, Any]:
    """Return the context that Airflow gives to the callback of a failed run."""
    return {"dag": DAG("sync_staff", schedule=None), "run_id": RUN_ID, "ti": FailedTask(left)}


AN_ALERT = Alert("Subject", "Sentence with {{ braces }} & <tags>.", "when-a-task-fails", RUN_URL)


# -- what is told


def test_a_failed_run_is_told_once_with_its_sentence_its_page_and_what_to_do(
    mails: Inbox, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, by_mail())
    alert_failed_run(failed_run({"error": "GateClosed", "sentence": "Half of the rows are bad."}))
    (mail,) = mails.mails
    assert (mail["Subject"], mail["To"]) == ("sync_staff failed", "ops@example.com")
    assert "Half of the rows are bad." in text_of(mail)
    assert RUN_URL in text_of(mail)
    assert "docs/operations.md#when-a-task-fails" in text_of(mail)


@pytest.mark.parametrize("error", [SignInRefusedError, AnotherOrgError])
def test_a_refused_connection_is_told_as_such(
    mails: Inbox, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    configure(monkeypatch, by_mail(), manual_url="https://example.com/operations")
    alert_failed_run(failed_run({"error": error.__name__, "sentence": "Refused."}))
    (mail,) = mails.mails
    assert mail["Subject"] == "sync_staff: the Salesforce connection is refused"
    assert "https://example.com/operations#sign-in-to-salesforce" in text_of(mail)


@pytest.mark.parametrize("left", [None, RuntimeError("Ann Lee"), "nonsense"], ids=str)
def test_a_run_whose_task_left_nothing_is_told_all_the_same(
    mails: Inbox, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, left: object
) -> None:
    configure(monkeypatch, by_mail())
    alert_failed_run(failed_run(left))
    (mail,) = mails.mails
    assert f"The run {RUN_ID} of sync_staff failed in match_people" in text_of(mail)
    assert "Ann" not in mail.as_string()


def test_the_callback_of_a_run_without_a_failed_task_is_enough(
    mails: Inbox, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, by_mail())
    context = failed_run()
    del context["ti"]
    alert_failed_run(context)
    assert len(mails.mails) == 1


def test_arguments_of_the_connection_win_and_may_use_the_alert(
    mails: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, by_mail(subject="[prod] {{ alert.subject }}", from_email="me@example.com"))
    assert send(AN_ALERT, failed_run()) == 1
    (mail,) = mails.mails
    assert (mail["Subject"], mail["From"]) == ("[prod] Subject", "me@example.com")


def test_what_an_alert_says_is_text_and_neither_a_template_nor_markup(
    mails: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, by_mail())
    send(AN_ALERT, failed_run())
    assert "{{ braces }} &amp; &lt;tags&gt;" in text_of(mails.mails[0])


# -- what breaks nothing


def test_without_the_connection_nobody_is_told_and_nothing_fails(ledger: Ledger) -> None:
    assert read_choices() == ([], "docs/operations.md")
    alert_failed_run(failed_run())


@pytest.mark.parametrize(
    ("notifier", "problem"),
    [
        ({"class": "no.such.Notifier"}, "cannot be imported"),
        ({"class": "Notifier"}, "cannot be imported"),
        ({"class": "os.getcwd"}, "is no notifier"),
        ({"class": "pathlib.Path"}, "is no notifier"),
        ({"class": SMTP, "arguments": {"too": "x"}}, "other arguments than it takes"),
    ],
    ids=str,
)
def test_a_notifier_that_cannot_be_built_is_logged_and_the_others_are_asked(
    mails: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    notifier: dict[str, Any],
    problem: str,
) -> None:
    configure(monkeypatch, notifier, by_mail())
    assert send(AN_ALERT, failed_run()) == 1
    assert problem in caplog.text


@pytest.mark.parametrize(
    "listed", ["SmtpNotifier", {"class": SMTP}, [SMTP], [{"class": SMTP, "arguments": 1}]], ids=str
)
def test_an_extra_field_that_lists_no_notifiers_is_refused(
    monkeypatch: pytest.MonkeyPatch, listed: object
) -> None:
    extra = {"notifiers": listed}
    monkeypatch.setenv("AIRFLOW_CONN_SYNC_ALERTS", json.dumps({"conn_type": "generic", "extra": extra}))
    with pytest.raises(ConfigurationError, match="has to be a list"):
        read_choices()


def test_a_notifier_that_fails_is_logged_by_its_class_alone_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", '{"conn_type": "generic", "password": "secret-of-the-door"}')
    configure(monkeypatch, by_mail(smtp_conn_id="nowhere", to="{{ no.such.value }}"))
    assert send(AN_ALERT, failed_run()) == 0
    assert f"The notifier {SMTP} failed" in caplog.text
    assert "secret-of-the-door" not in caplog.text


# -- what the ledger shows


def test_the_runs_that_a_failed_run_left_at_work_are_shown_as_failed(ledger: Ledger) -> None:
    own = path_safe_run_id("sync_staff", RUN_ID)
    for run_id in (own, f"{own}__2026-03-01_2026-03-07", f"{own}x", "another"):
        run = SyncRun(
            run_id,
            "sync_staff",
            Selection.STAFF,
            Trigger.MANUAL,
            dry_run=False,
            now=datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        )
        ledger.open_run(run, settings_version=0)
    alert_failed_run(failed_run())
    states = ledger.runs().set_index("run_id")["state"]
    assert set(states.index[states == "failed"]) == {own, f"{own}__2026-03-01_2026-03-07"}


# -- a rising quarantine


def quarantine(ledger: Ledger, reasons: Mapping[str, int], *, run_id: str) -> None:
    """Have a run settle so many rows with each of these reasons, and the rows of earlier runs with success."""
    rows = [
        {"booking_key": f"{number}-1", "outcome": "quarantined", "reason": reason, "waits_for": "row"}
        for number, reason in enumerate(reason for reason, count in reasons.items() for _ in range(count))
    ]
    mended = [{"booking_key": f"{number}-1"} for number in range(len(rows), 40)]
    ledger.settle(
        builders.run(run_id),
        builders.outcomes(*rows, *mended),
        counts={},
        watermark=None,
        cleared_dirty=(),
        settings_version=0,
        state="success",
        now=builders.at(0),
    )


@dataclass
class DagRun:
    """What of Airflow's DAG run an alert names."""

    dag_id: str = "sync_staff"
    run_id: str = RUN_ID


@pytest.fixture
def tell(ledger: Ledger, tmp_path: Path) -> Callable[[], None]:
    """Return what the task that settles a run does about the quarantine."""

    def no_salesforce() -> NoReturn:
        raise AssertionError("the quarantine is the ledger's")

    wiring = Wiring(
        SourceGateway(create_engine("sqlite://")), ledger, Staging(f"file://{tmp_path}"), no_salesforce
    )
    context = {"dag": DAG("sync_staff", schedule=None), "dag_run": DagRun()}
    return lambda: alert_rising_quarantine(wiring, context)


def test_a_rising_quarantine_is_told_once_and_again_when_it_rises_from_where_it_fell_to(
    mails: Inbox, ledger: Ledger, tell: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, by_mail())
    told = []
    for number, reasons in enumerate(
        ({"no_end": 19}, {"no_end": 10, "too_long": 12}, {"no_end": 22}, {"no_end": 2}, {"no_end": 22})
    ):
        quarantine(ledger, reasons, run_id=f"r{number}")
        tell()
        told.append(len(mails.mails))
    assert told == [0, 1, 1, 1, 2]
    assert mails.mails[0]["Subject"] == "The quarantine rises: 22 rows"
    assert "22 more than when you were last told. The most frequent reason is too_long." in text_of(
        mails.mails[0]
    )
    assert "docs/operations.md#when-a-booking-does-not-arrive" in text_of(mails.mails[0])
    assert "20 more than" in text_of(mails.mails[1])


def test_a_rise_that_nobody_could_be_told_of_is_told_with_the_next_run(
    mails: Inbox, ledger: Ledger, tell: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine(ledger, {"no_end": 30}, run_id="r1")
    tell()
    assert mails.mails == []
    configure(monkeypatch, by_mail())
    tell()
    assert len(mails.mails) == 1


@pytest.mark.parametrize(
    ("now", "told", "is_news"),
    [(19, 0, False), (20, 0, True), (120, 100, False), (125, 100, True), (30, 15, False), (35, 15, True)],
)
def test_a_quarantine_rises_by_rows_and_by_a_share_of_what_people_know(
    now: int, told: int, is_news: bool
) -> None:
    assert has_risen(now=now, told=told) is is_news
