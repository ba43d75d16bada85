"""The stage `unrepaired`: see __main__.py."""
