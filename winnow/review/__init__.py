"""People decide: the browser page, CSV files and Label Studio, which all write decisions.csv."""
