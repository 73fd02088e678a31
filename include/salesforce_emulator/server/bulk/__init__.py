"""Bulk API 2.0: jobs, their files, and the worker that runs them."""
