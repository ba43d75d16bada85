"""The parameters of all stages, out of one reading of params.yaml: DVC by itself reads the file anew for each stage."""

from collections.abc import Sequence

from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo
from dvc.stage import Stage


class SharedParameters(ParamsDependency):
    """Parameters on which a stage depends, of which DVC asks here what the file holds."""

    held: dict[str, object]  # by key: what the file holds for all stages

    def read_params(self, flatten: bool = True, **settings: object) -> dict[str, object]:
        """Return the values of this stage's keys; a key that the file lacks is left out, as DVC does."""
        return {key: self.held[key] for key in self.params if key in self.held}


def share_parameters(repo: Repo, stages: Sequence[Stage]) -> None:
    """Have each stage's parameters compared with one reading of their file.

    Only these objects change, which live as long as the repository is held.

    Raises:
        DvcException: the file is no YAML.
    """
    keys: dict[str, dict[str, None]] = {}  # by file
    for stage in stages:
        for dep in stage.deps:
            if _is_of_keys(dep):
                keys.setdefault(dep.def_path, {}).update(dict.fromkeys(dep.params))
    held = {path: ParamsDependency(None, path, list(asked), repo).read_params() for path, asked in keys.items()}
    for stage in stages:
        stage.deps = [_sharing(dep, held[dep.def_path]) if _is_of_keys(dep) else dep for dep in stage.deps]


def _is_of_keys(dep: object) -> bool:
    """Whether these are parameters by their keys; of a whole file, DVC keeps the order of its own."""
    return type(dep) is ParamsDependency and bool(dep.params)


def _sharing(dep: ParamsDependency, held: dict[str, object]) -> SharedParameters:
    made = SharedParameters(dep.stage, dep.def_path, dep.params, dep.repo)
    made.hash_info, made.held = dep.hash_info, held
    return made
