"""The stage `check_model`: see __main__.py."""
