"""Cleaning of texts by rules: pure functions of strings, in profiles that params.yaml names."""
