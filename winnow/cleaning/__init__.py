"""The text rules of `clean`, a file for each family, and the profiles that choose among them."""
