"""What bench/peers.py runs in processes of their own; a tool is imported where it is used, in its own environment."""
