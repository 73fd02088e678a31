"""What a stranger starts from: the compose file, the locked requirements, the options we set."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.local_stack.layout import Layout, Ports, airflow_settings
from tests.conftest import PROJECT_ROOT

SERVICES = {"api-server", "scheduler", "dag-processor", "triggerer", "worker"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((PROJECT_ROOT / "docker-compose.yaml").read_text())


@pytest.fixture(scope="module")
def airflow_options() -> set[str]:
    """Return every option that the installed Airflow and its Celery provider know, as environment variables."""
    import airflow
    from airflow.providers.celery.get_provider_info import get_provider_info

    described = yaml.safe_load(
        (Path(airflow.__file__).parent / "config_templates" / "config.yml").read_text()
    )
    return {
        f"AIRFLOW__{section.upper()}__{option.upper()}"
        for source in (described, get_provider_info()["config"])
        for section, content in source.items()
        for option in content["options"]
    }


def test_every_airflow_option_we_set_exists(compose: dict[str, Any], airflow_options: set[str]) -> None:
    local = airflow_settings(Layout(), Ports())
    composed = compose["services"]["scheduler"]["environment"]
    chosen_by_class = {name for name in {**local, **composed} if "__SIMPLE_AUTH_MANAGER_" in name}

    set_by_us = {name for name in {**local, **composed} if name.startswith("AIRFLOW__")}

    assert len(set_by_us) > 20
    assert set_by_us - chosen_by_class <= airflow_options


def test_the_compose_file_refers_only_to_what_it_defines(compose: dict[str, Any]) -> None:
    services = compose["services"]

    assert set(services) >= {"postgres", "redis", "org", *SERVICES}
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for dependency, waited_for in service.get("depends_on", {}).items():
            if waited_for["condition"] == "service_healthy":
                assert "healthcheck" in services[dependency], f"{name} waits for {dependency}"
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"], name
        for config in service.get("configs", []):
            assert config["source"] in compose["configs"], name


def test_only_the_ui_is_published_and_only_on_loopback(compose: dict[str, Any]) -> None:
    published = {
        name: service["ports"] for name, service in compose["services"].items() if "ports" in service
    }

    assert published == {"api-server": ["127.0.0.1:8080:8080"]}


def test_every_airflow_service_sees_the_same_databases_staging_and_code(compose: dict[str, Any]) -> None:
    services = [compose["services"][name] for name in sorted(SERVICES)]

    assert len({str(service["environment"]) for service in services}) == 1
    assert len({str(service["volumes"]) for service in services}) == 1
    assert {service["command"][0] for service in services} == {"airflow"}


def test_the_modules_that_containers_start_exist(compose: dict[str, Any]) -> None:
    text = (PROJECT_ROOT / "docker-compose.yaml").read_text()
    modules = set(re.findall(r"(?:python -m|- )\s*(include(?:\.\w+)+)", text))

    assert modules == {
        "include.salesforce_emulator",
        "include.local_stack",
        "include.demo",
        "include.settings",
    }
    for module in modules:
        assert (PROJECT_ROOT / module.replace(".", "/") / "__main__.py").exists()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_exact_and_name_no_machine(name: str) -> None:
    lines = (PROJECT_ROOT / name).read_text().splitlines()
    pins = [line for line in lines if line and not line.lstrip().startswith("#")]

    assert len(pins) > 100
    assert all(re.match(r"^[A-Za-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+( ; .+)?$", pin) for pin in pins)
    assert not [line for line in lines if "://" in line or line.startswith(("-", "# via -r /"))]


def test_the_development_requirements_hold_every_runtime_pin() -> None:
    def pins(name: str) -> set[str]:
        lines = (PROJECT_ROOT / name).read_text().splitlines()
        return {line for line in lines if line and not line.lstrip().startswith("#")}

    assert pins("requirements.txt") <= pins("requirements-dev.txt")
