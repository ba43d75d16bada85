"""What a change is worth: two revisions compared, for `winnow diff`."""
