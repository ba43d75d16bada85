"""The stage `find_issues`: see __main__.py."""
