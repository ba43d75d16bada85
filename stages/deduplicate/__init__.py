"""The stage `deduplicate`: see __main__.py."""
