"""Several people on one row: how far they agree (`coefficients`), and what they say together (`consensus`).

Votes are an int array (rows, reviewers): the index of the outcome that a reviewer gave a row, -1 where they gave none.
"""
