"""The approaches: ways from an encoder and a training table to a classifier, one file each.

Each is a function `train(job, settings)` that returns a `job.Trained`, with its own `Settings`, the section
`approaches.<name>` of params.yaml. What it returns is a classifier that `winnow.kinds.classification.head` loads,
and, where the model reads more than the text, the `examples.Store` that makes its inputs; both go into one folder.
"""
