"""The fixtures that several packages of tests share; each is made once per pytest worker, when first asked for."""

# What others import comes first, or pytest could not rewrite its asserts.
pytest_plugins = (
    "tests.postgres",
    "tests.booking_db",
    "tests.engines",
    "tests.local_org",
    "tests.faults.options",
)
