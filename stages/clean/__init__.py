"""The stage `clean`: see __main__.py."""
