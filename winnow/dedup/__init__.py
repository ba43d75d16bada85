"""Duplicates of more texts than memory holds: sketches of texts, candidate pairs on disk, true similarity."""
