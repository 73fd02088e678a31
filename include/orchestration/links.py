"""The button on a load task that opens its Salesforce job (rule C1)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk import BaseOperatorLink, get_current_context
from airflow.sdk.bases.decorator import task_decorator_factory
from airflow.sdk.bases.xcom import BaseXCom

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.pipeline.context import SyncRun, Wiring

JOB_URL_KEY: Final = "salesforce_job_url"


@contextmanager
def linking_job(run: SyncRun, wiring: Wiring, stage: str, *, chunk: int) -> Iterator[None]:
    """Note the page of the largest Bulk job of a load for the task's link, also when the load fails."""
    try:
        yield
    finally:
        jobs = [
            job for job in wiring.ledger.jobs(run.run_id) if job.step.startswith(stage) and job.chunk == chunk
        ]
        largest = max((job for job in jobs if job.job_id), key=lambda job: job.sent, default=None)
        if largest is not None and largest.job_id and wiring.has_signed_in:
            url = wiring.salesforce.job_url(largest.job_id)
            get_current_context()["ti"].xcom_push(key=JOB_URL_KEY, value=url)


class SalesforceJobLink(BaseOperatorLink):
    """Opens the page that the task noted under ``salesforce_job_url``; a load by REST has no job, and no link."""

    name = "Salesforce job"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the job's page, or nothing."""
        return BaseXCom.get_value(ti_key=ti_key, key=JOB_URL_KEY) or ""


class _LoadOperator(_PythonDecoratedOperator):
    """A Python task with the link; Airflow takes links from the operator's class."""

    custom_operator_name = "@load_task"
    operator_extra_links = (SalesforceJobLink(),)


def load_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> Any:
    """Make a function a task, like ``@task``, that links to its Salesforce job."""
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=_LoadOperator, **kwargs
    )
