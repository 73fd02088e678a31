"""The fixtures that several packages of tests share; each is made once per pytest worker, when first asked for."""

pytest_plugins = ("tests.postgres", "tests.booking_db", "tests.local_org")  # what is imported by others comes first
