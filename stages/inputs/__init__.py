"""The stage `inputs`: see __main__.py."""
