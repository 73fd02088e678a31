"""What the org asks of records when they are written, and does besides."""
