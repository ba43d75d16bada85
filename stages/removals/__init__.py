"""The stage `removals`: see __main__.py."""
