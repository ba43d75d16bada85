"""The stage `check_tables`: see __main__.py."""
