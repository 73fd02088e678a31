"""The partner SOAP API."""
