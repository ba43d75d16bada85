"""Token classification: each row has spans of its text, none of which overlap, each with a type; it may have none."""
