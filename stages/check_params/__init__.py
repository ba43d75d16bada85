"""The stage `check_params`: see __main__.py."""
