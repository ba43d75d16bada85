"""Words and languages of texts; knows strings, not rows."""
