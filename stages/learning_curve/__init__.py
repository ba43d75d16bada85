"""The stage `learning_curve`: see __main__.py."""
