"""Measurements of Winnow, and of other tools beside it: docs/benchmarks.md."""
