"""The stage `calibrate`: see __main__.py."""
