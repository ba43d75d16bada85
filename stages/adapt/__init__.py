"""The stage `adapt`: see __main__.py."""
