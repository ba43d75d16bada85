"""A dataset and a model as folders that others load, with cards that say where they come from."""
