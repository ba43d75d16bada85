"""The stage `fetch_generator`: see __main__.py."""
