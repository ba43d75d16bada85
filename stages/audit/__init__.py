"""The stage `audit`: see __main__.py."""
