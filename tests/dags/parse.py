"""Parses DAG files the way Airflow's DAG processor does, in a process of its own, and prints what came of it as JSON.

Usage: ``python -m tests.dags.parse DAGS_FOLDER``. Sockets are refused and connections are booby-trapped meanwhile.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any, NoReturn


def refuse(what: str) -> Any:
    def refuse_it(*_args: object, **_kwargs: object) -> NoReturn:
        raise AssertionError(f"parsing a DAG file used {what}")

    return refuse_it


def listed(callbacks: Any) -> list[Any]:
    return callbacks if isinstance(callbacks, list) else [callbacks] if callbacks else []


def main(folder: str) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models import Connection, Variable
    from airflow.sdk import Connection as TaskConnection
    from airflow.sdk import Variable as TaskVariable

    for model in (Connection, Variable):  # noqa: AIR311 - what a DAG file might use
        for name in ("get_connection_from_secrets", "get_variable_from_secrets", "get"):
            if hasattr(model, name):
                setattr(model, name, refuse(f"a {model.__name__}"))
    TaskConnection.get = TaskVariable.get = refuse("a connection or variable")
    loaded_by_airflow = set(sys.modules)
    socket.socket.connect = refuse("a socket")
    bag = DagBag(folder, safe_mode=False)
    dags = {
        dag_id: {
            "file": dag.fileloc,
            "doc": dag.doc_md,
            "tags": sorted(dag.tags),
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
            "on_failure": [callback.__name__ for callback in listed(dag.on_failure_callback)],
            "timetable": type(dag.timetable).__name__,
            "assets": [asset.name for asset in getattr(dag.timetable.asset_condition, "objects", [])],
            "params": {name: param.schema for name, param in dag.params.items()},
            "tasks": {
                task.task_id: {
                    "doc": task.doc_md or task.python_callable.__doc__,
                    "downstream": sorted(task.downstream_task_ids),
                    "is_mapped": task.is_mapped,
                    "at_once": task.max_active_tis_per_dagrun,
                    "weight": task.priority_weight if str(task.weight_rule) == "absolute" else None,
                    "on_failure": len(task.on_failure_callback or []),
                    "has_retry_policy": task.retry_policy is not None,
                    "links": [link.name for link in task.operator_extra_links],
                    "outlets": [asset.name for asset in task.outlets],
                }
                for task in dag.tasks
            },
        }
        for dag_id, dag in bag.dags.items()
    }
    imported = sorted(set(sys.modules) - loaded_by_airflow)
    sys.stdout.write(json.dumps({"dags": dags, "errors": bag.import_errors, "imported": imported}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
