"""Data-quality checks on the frames of a run, before anything is written (rule Q1)."""
