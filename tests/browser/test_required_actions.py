"""A person signs in to Airflow's UI and finds what the migration asks under *Required Actions* (rule G4)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from include.demo.legacy_run import MIGRATION
from include.local_stack.stack import Stack
from tests.e2e.migration_stack import asked_by, migration_stack

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.timeout(1200), pytest.mark.rule("G4")]

PATIENCE_MILLISECONDS = 60_000.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with migration_stack(tmp_path_factory.mktemp("stack"), bookings=80) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or whatever `make test` found in its place; as root it has no sandbox."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    assert path is not None, "make test says how to install Chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(stack: Stack, browser: Browser) -> Iterator[Page]:
    """A page of somebody who has signed in."""
    opened = browser.new_page()
    opened.set_default_timeout(PATIENCE_MILLISECONDS)
    opened.goto(stack.airflow.url)
    opened.locator("input[name=username]").fill("admin")
    opened.locator("input[name=password]").fill(stack.airflow.password())
    opened.get_by_role("button", name="Sign in").click()
    opened.wait_for_url(lambda url: "/auth/login" not in url)
    yield opened
    opened.close()


def test_the_question_stands_under_required_actions_and_leads_to_its_two_answers(
    stack: Stack, page: Page
) -> None:
    run_id = stack.airflow.trigger(MIGRATION)
    asked = asked_by(stack, run_id, "await_activation")

    page.goto(f"{stack.airflow.url}/required_actions")
    link = page.get_by_role("link", name=asked.subject)
    expect(link).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    link.click()

    expect(page.get_by_text("Deploy the package")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    for option in ("It is enabled", "Stop"):
        expect(page.get_by_role("button", name=option)).to_be_visible(timeout=PATIENCE_MILLISECONDS)
