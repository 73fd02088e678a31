"""Everything the DAGs and the console call; imported as ``include.x`` with the project root on the path."""
