"""Which experiment to take: the results of one commit compared on dev, for `winnow best`."""
