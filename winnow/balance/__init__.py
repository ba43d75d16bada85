"""The training table: which rows it holds and what they weigh."""
