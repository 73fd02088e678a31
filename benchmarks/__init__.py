"""How long the stages and the rules take at volume; run by hand, never by the tests. See docs/benchmarks.md."""
