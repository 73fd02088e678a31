"""Compare the booking database, the ledger and the org, and mend what differs (rule Q7)."""
