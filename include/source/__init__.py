"""The booking database: its tables and what is read from it; the only place that knows Coconut's schema."""
