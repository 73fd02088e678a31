"""One module per task, named like the task: what the DAGs call."""
