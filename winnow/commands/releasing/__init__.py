"""Releases of what dvc.yaml lists as `artifacts:`, for `winnow release`: tags in the convention of GTO."""
