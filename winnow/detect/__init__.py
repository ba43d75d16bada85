"""Which labels are wrong: signals of suspicion, what they mean as a probability, planted errors to learn it from."""
