"""Intervals, resampling and tests on numbers."""
