"""The training loop, its checkpoints, several processes, and what is kept from a step to the next."""
