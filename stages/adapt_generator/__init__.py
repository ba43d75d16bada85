"""The stage `adapt_generator`: see __main__.py."""
