"""What a folder of `examples/` brings beside its parameters: data, labelling rules, and decisions.

`rules/` and `decisions.csv` are what people made. They come where the pipeline reads them, once what was there before
is gone. `clear.LIST` names them, so that another `winnow init` takes them away without a question. All else is data.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from winnow.base import files, params
from winnow.commands import pipeline
from winnow.commands.init.clear import LIST

FOLDER = Path("examples")
DESCRIBED = (str(params.FILE), "README.md")
RULES, DECISIONS = "rules", "decisions.csv"


@dataclass(frozen=True)
class Example:
    """Files and folders of an example, each with the place that it comes to.

    Attributes:
        data: what `collect` reads.
        people: what people made.
    """

    data: dict[Path, Path]
    people: dict[Path, Path]

    @classmethod
    def of(cls, folder: Path) -> "Example":
        """Return what an example's folder brings."""
        target, rules = pipeline.path("collect", "files"), pipeline.path("annotate", "rules")
        own = [path for path in sorted(folder.iterdir()) if path.name not in (*DESCRIBED, RULES, DECISIONS)]
        found = [path for path in sorted((folder / RULES).rglob("*")) if path.is_file()]
        people = {path: rules / path.relative_to(folder / RULES) for path in found}
        if (folder / DECISIONS).is_file():
            people[folder / DECISIONS] = pipeline.path("inputs", "decisions")
        return cls({path: target / path.name for path in own}, people)

    def bring_data(self) -> None:
        """Copy the data."""
        _copy(self.data)

    def bring_people(self) -> None:
        """Copy what people made; before any of it, the list that tells whose it is."""
        if self.people:
            lines = [f"{files.sha256(path)}  {place.as_posix()}\n" for path, place in self.people.items()]
            files.write_text(pipeline.path("inputs", "decisions").with_name(LIST), "".join(lines))
        _copy(self.people)


def _copy(places: dict[Path, Path]) -> None:
    for path, place in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(place) as new:
            (shutil.copytree if path.is_dir() else shutil.copyfile)(path, new)
        print(f"{path}: copied to {place}")
