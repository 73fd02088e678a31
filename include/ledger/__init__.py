"""The ledger: what we know, wrote and owe. Our own database, PostgreSQL or SQLite, behind ``Ledger``."""
