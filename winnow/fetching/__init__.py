"""Where models come from: a hub, a folder or a package; each by its hash, in one form."""
