"""The product on one machine: where its state lives, its processes, and a client for Airflow's REST API.

Nothing in the product depends on it; ``make demo``, ``make up`` and ``make env`` are built from it.
"""
