"""The only package here that knows Airflow: connections, wiring, tasks, retries, assets, links.

The pipeline's stages are plain functions; this package calls them from tasks and turns their errors into task states.
"""
