"""Rounds of review: their random sample and their settings."""
