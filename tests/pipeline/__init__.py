"""The stages against a real booking database, a real ledger and the local org over HTTP."""
