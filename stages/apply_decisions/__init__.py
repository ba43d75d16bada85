"""The stage `apply_decisions`: see __main__.py."""
