"""Objects of DVC that nothing kept needs any more, for `winnow gc`; DVC's own gc removes them."""
