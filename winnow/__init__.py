"""Winnow: what two or more stages, or the command line, share."""
