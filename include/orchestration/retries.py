"""Which errors Airflow tries again: one place that reads the error tree of :mod:`include.errors`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from include.errors import ApprovalRequired, ConfigurationError, FatalError, GateClosed, TransientError

RETRY_POLICY: Final = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=TransientError,
            action=RetryAction.RETRY,
            reason="It may pass by itself.",
        ),
        RetryRule(
            exception=[ConfigurationError, GateClosed, ApprovalRequired],
            action=RetryAction.FAIL,
            reason="Somebody has to change something first; the message says what.",
        ),
        RetryRule(
            exception=FatalError,
            action=RetryAction.FAIL,
            reason="Trying again cannot help.",
        ),
        RetryRule(
            exception=Exception,
            action=RetryAction.FAIL,
            reason="An error that nobody foresaw is a defect: it would only repeat itself.",
        ),
    ]
)
"""A worker that dies raises nothing here and is retried by Airflow's own count: every stage may run twice."""

STAGE_DEFAULTS: Final[dict[str, Any]] = {
    "retries": 4,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": RETRY_POLICY,
}
"""``default_args`` of every DAG that runs the pipeline."""
