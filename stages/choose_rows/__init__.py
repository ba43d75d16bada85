"""The stage `choose_rows`: see __main__.py."""
