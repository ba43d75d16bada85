"""Named grids of experiments, queued as DVC queues them, for `winnow experiments`."""
