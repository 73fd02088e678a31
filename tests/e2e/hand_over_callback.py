"""Hands the callback of a DAG's newest failed run to the DAG processor, as the scheduler does when a run fails.

Usage: ``python -m tests.e2e.hand_over_callback DAG_ID``, with the environment of the stack.
"""

from __future__ import annotations

import sys


def main(dag_id: str) -> None:
    from airflow.callbacks.database_callback_sink import DatabaseCallbackSink
    from airflow.models.dagrun import DagRun
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        newest = (
            select(DagRun).where(DagRun.dag_id == dag_id, DagRun.state == "failed").order_by(DagRun.id.desc())
        )
        run = session.scalars(newest.limit(1)).one()
        dag = SerializedDagModel.get_dag(dag_id, session=session)
        assert dag.has_on_failure_callback
        (failed,) = run.get_task_instances(state=["failed"], session=session)
        request = run.produce_dag_callback(dag=dag, success=False, relevant_ti=failed, reason="task_failure")
        DatabaseCallbackSink().send(request, session=session)


if __name__ == "__main__":
    main(sys.argv[1])
