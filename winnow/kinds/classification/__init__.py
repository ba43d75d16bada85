"""Classification: a label is one class name."""
