"""Realistic, seeded booking data, and the people and staff that the org already knows."""
