"""What must hold of the tables: their schemas, and how far the dataset may drift from its last release."""
