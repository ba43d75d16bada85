"""What people said: decisions, and the queues in which they are asked."""
