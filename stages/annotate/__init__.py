"""The stage `annotate`: see __main__.py."""
