"""How text that is new differs from what a dataset holds, and which of it people should label."""
