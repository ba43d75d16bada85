"""People's own tables: CSV, TSV, JSON Lines and Parquet of any size, read and written a block of rows at a time."""
