"""The stage `auxiliary`: see __main__.py."""
