"""One file per stage of dvc.yaml; each runs as `python -m stages.<name>`."""
