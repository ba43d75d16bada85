"""The package that the `report` stage is made of, in parts: what it reads, its tables, its figures."""
