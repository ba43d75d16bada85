"""The stage `balance`: see __main__.py."""
