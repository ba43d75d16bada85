"""What the pipeline's tables say of labels: the models' evidence, and the rows around a row."""
