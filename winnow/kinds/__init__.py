"""The seam of the kind of task: what would differ for multi-label or token classification stands in this folder.

One file a concern, not one a kind, because DVC reruns a stage when a file that it imports changes: a new metric must
not retrain a model. `labels` (the label set, checks), `scores` (out-of-fold probabilities, suspects), `weights`
(balance), `head` (model and loss), `metrics`.
"""
