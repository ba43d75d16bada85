"""The stage `fetch_model`: see __main__.py."""
