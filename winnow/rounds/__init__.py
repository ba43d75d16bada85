"""Rounds of review: their random samples, what their decisions did, what edits are worth, when to stop."""
