"""The ledger's calls by subject; ``include.ledger.repository`` joins them into one door."""
