"""Erase people, and what is older than it is kept (rule Q11)."""
