"""The org itself, without HTTP: schema, records, rules, SOQL."""
