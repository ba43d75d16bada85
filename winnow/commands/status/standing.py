"""Where things stand: the last run, the queues, Git, test and the remote, from the files that are there."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow.compute as pc

from winnow import kinds
from winnow.base import files, gates, params, timing
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.init import journal
from winnow.commands.processes import is_alive
from winnow.commands.review import QUEUES
from winnow.commands.status.reruns import Busy, Reruns, ask, planned
from winnow.people import decisions, settling
from winnow.people.decisions import Decision
from winnow.people.rounds import sample
from winnow.review import queues
from winnow.rows import tables
from winnow.validation import looks

if TYPE_CHECKING:
    from dvc.repo import Repo

# Of the labelled table, whose test rows are read to tell how often they were looked at.
MOST_LABELLED_BYTES = 256 * 2**20
KILLED = "it was killed"
CONFLICT = ("<<<<<<< ", ">>>>>>> ")  # Git's marks


@dataclass(frozen=True)
class Queue:
    """Rows of a queue that nobody has settled, and all of them.

    Attributes:
        wrong: how many labels of the rows that wait are expected to be wrong; None where no chance is known.
    """

    waiting: int
    rows: int
    wrong: float | None = None


@dataclass(frozen=True)
class WrongLabels:
    """How many labels are probably wrong: by `find_issues`, and by the random sample of the last round.

    `is_guess`: no decision has checked what `find_issues` expects.
    """

    expected: float | None = None
    is_guess: bool = False
    share: float | None = None
    share_low: float | None = None
    share_high: float | None = None
    round: str | None = None


@dataclass(frozen=True)
class Remote:
    """Where DVC keeps the data for others; `is_inside` of a folder of this repository, which is for nobody else."""

    name: str
    url: str
    is_inside: bool


@dataclass
class Standing:
    """What is known; what is not stays empty.

    Attributes:
        title: of the dataset.
        has_run: whether a stage has run here, or its rows were fetched.
        is_locked: whether dvc.lock tells of a run, here or elsewhere.
        is_busy: whether another DVC command holds the repository.
        running: seconds since each stage began that runs now.
        stopped: why each stage stopped that would run again.
        mended: a file or folder that each of these reads, if one has changed since it stopped.
        untimed: stages that would run and of which no time is known here.
        seconds: that the others took the last time.
        conflicts: files with Git's conflict marks.
        new_decisions: lines of decisions.csv that are not committed.
        uncommitted: files of the project that differ from the last commit.
        advice: of the last round: `verdict` and `says`.
        test_looks: at today's test rows.
        doubts: stage and sentence.
        problems: what could not be read, and the mend.
    """

    title: str | None = None
    has_run: bool = False
    is_locked: bool = False
    is_busy: bool = False
    running: dict[str, float] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    mended: dict[str, str] = field(default_factory=dict)
    reruns: Reruns | None = None
    untimed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    conflicts: list[str] = field(default_factory=list)
    new_decisions: int = 0
    decisions: int = 0
    uncommitted: list[str] = field(default_factory=list)
    queues: dict[str, Queue] = field(default_factory=dict)
    wrong_labels: WrongLabels = field(default_factory=WrongLabels)
    rounds: int = 0
    advice: dict[str, str] = field(default_factory=dict)
    test_looks: int | None = None
    doubts: list[tuple[str, str]] = field(default_factory=list)
    remote: Remote | None = None
    problems: list[str] = field(default_factory=list)


def find(root: Path, clock: Callable[[], float] = time.time) -> Standing:
    """Return how things stand in the repository at `root`; a file that cannot be read is a problem of the answer.

    Args:
        clock: tells the seconds since the epoch.

    Raises:
        UserError: there is no pipeline, or no DVC repository.
    """
    pipeline.stages(root)
    found = Standing()
    found.conflicts = [name for name in _inputs(root) if _is_conflicted(root / name)]
    if found.conflicts:  # nothing that reads these files can say more
        return found
    with opened(root) as repo:
        _try(found, lambda: _runs(found, repo, clock))
        found.remote = remote_of(repo)
    if journal.unfinished(root):
        found.problems.append(journal.CUT_OFF)
    for look in (_git, _decisions, _metrics, _test):
        _try(found, lambda look=look: look(found, root))
    return found


def opened(root: Path, kind: "type[Repo] | None" = None) -> "Repo":
    """Return the DVC repository at `root`, to be closed as a context.

    Args:
        kind: a class of DVC repositories; None: DVC's own.

    Raises:
        UserError: there is none, or its configuration is broken.
    """
    from dvc.config import ConfigError
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import SCMError

    try:
        return (kind or Repo)(str(root))
    except SCMError:
        raise UserError("no Git repository, which DVC wants here: run `git init`, or clone Winnow") from None
    except NotDvcRepoError:
        raise UserError("no DVC repository: run `git init` and `dvc init` here, or clone Winnow") from None
    except (DvcException, ConfigError) as error:
        raise UserError(f"dvc: {' '.join(str(error).split())}") from None


def _try(found: Standing, look: Callable[[], None]) -> None:
    try:
        look()
    except UserError as error:
        found.problems.append(" ".join(str(error).split()))


def _inputs(root: Path) -> list[str]:
    """Return the files of the project that Git may leave conflict marks in."""
    made = pipeline.find("apply_decisions", "decisions", root)
    return ["dvc.yaml", "dvc.lock", params.FILE.name, *([made.as_posix()] if made else [])]


def _is_conflicted(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as lines:
        return any(line.startswith(CONFLICT) for line in lines)


def _runs(found: Standing, repo: "Repo", clock: Callable[[], float]) -> None:
    root = Path(repo.root_dir)
    last = timing.read(root)
    now = clock()  # after the files are read: a stage may have begun since this command did
    found.has_run = bool(last) or pipeline.made("collect", "out", root) is not None
    found.running = {
        name: max(now - run.began, 0.0)  # somebody may have set the clock back
        for name, run in last.items()
        if not run.ended and is_alive(run.process, run.began)
    }
    if found.running:  # DVC does not say what is to run while a stage runs
        return
    try:
        seen = ask(repo)
    except Busy:
        found.is_busy = True
        return
    found.reruns = planned(seen)
    rows = str(pipeline.find("collect", "out", root))
    found.is_locked = any(out.def_path == rows and out.hash_info for stage in seen.stages for out in stage.outs)
    known = {name: run.seconds for name, run in last.items() if run.seconds is not None}
    for name in found.reruns.stages:
        # A run of the matrix takes about as long as the others.
        alike = [seconds for other, seconds in known.items() if other.partition("@")[0] == name.partition("@")[0]]
        if name in known or alike:
            found.seconds += known.get(name, sum(alike) / max(len(alike), 1))
        else:
            found.untimed.append(name)
        if name in last and (last[name].error or not last[name].ended):
            found.stopped[name] = last[name].error or KILLED
    for stage in seen.stages:
        if stage.addressing in found.stopped:
            ended = timing.written_at(stage.addressing, root)
            if path := next((dep.def_path for dep in stage.deps if _changed_at(root / dep.def_path) > ended), None):
                found.mended[stage.addressing] = path


def _changed_at(path: Path) -> float:
    """Return when a file was last written, or any of a folder; 0 where there is none."""
    times = (each.stat().st_mtime for each in (path, *path.rglob("*")) if each.exists())
    return max(times, default=0.0)


def remote_of(repo: "Repo") -> Remote | None:
    """Return the default remote, its address without what may be a password."""
    name = repo.config["core"].get("remote")
    settings = repo.config["remote"].get(name, {})
    if not name or "url" not in settings:
        return None
    url = str(settings["url"])
    parts = urlsplit(url)
    if parts.scheme and parts.netloc:  # an address may hold a password
        return Remote(name, parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl(), False)
    return Remote(name, url, Path(repo.root_dir).resolve() in Path(url).resolve().parents)


def git(root: Path, *words: str) -> str | None:
    """Return what a Git command prints; None where it fails, or there is no Git."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def _git(found: Standing, root: Path) -> None:
    told = git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal", "--", ".")
    if told is None:
        return
    found.uncommitted = [line[3:] for line in told.split("\0") if line]
    made = pipeline.find("apply_decisions", "decisions", root)
    if made and made.as_posix() in found.uncommitted and (root / made).exists():
        committed = set((git(root, "show", f"HEAD:./{made.as_posix()}") or "").splitlines())
        _, *lines = files.read_text(root / made).splitlines()
        found.new_decisions = sum(line not in committed for line in lines)


def _decisions(found: Standing, root: Path) -> None:
    path = pipeline.made("apply_decisions", "decisions", root)
    made = decisions.read(root / path) if path else []
    found.decisions = len(made)
    _try(found, lambda: _check_ids(found, root, made))
    for name, source in QUEUES.items():
        if name == queues.ROUND:
            _try(found, lambda: _round(found, root, made))
        elif queue := pipeline.made(*source, root):
            _try(found, lambda name=name, queue=queue: found.queues.update({name: _waiting(root, queue, made)}))


def _check_ids(found: Standing, root: Path, made: Sequence[Decision]) -> None:
    """Raise `UserError` if a decision's row is not in the table, at which `apply_decisions` would stop."""
    file = pipeline.made("apply_decisions", "rows", root)
    if not (file and made and found.reruns) or "deduplicate" in found.reruns.stages:  # which may bring or take rows
        return
    table = tables.read(root / file, ["id", "purpose"])
    known = set(table.filter(pc.equal(table["purpose"], "task"))["id"].to_pylist())
    lost = [decision for decision in made if decision.id not in known]
    if lost:
        more = f" (and {len(lost) - 1} more such lines)" if len(lost) > 1 else ""
        path = pipeline.path("apply_decisions", "decisions", root)
        raise UserError(f"{path}: line {lost[0].line}: {next(iter(decisions.stale(lost[0], {})))}{more}")


def _waiting(root: Path, queue: Path, made: Sequence[Decision]) -> Queue:
    task = kinds.read_task(root / params.FILE)
    rows = tables.read(root / queue, ["id", "text_sha", "given_label", "p_error"]).to_pylist()
    asked = {row["id"]: decisions.version(row["text_sha"], row["given_label"], task) for row in rows}
    answers = settling.latest(line for line in made if asked.get(line.id) == (line.text_sha, line.given_label))
    waiting = [row for row in rows if settling.settled(answers.get(row["id"], {})) is None]
    chances = [row["p_error"] for row in waiting if row["p_error"] is not None]
    return Queue(len(waiting), len(rows), sum(chances) if chances else None)


def _round(found: Standing, root: Path, made: Sequence[Decision]) -> None:
    folder = pipeline.made("rounds", "rounds", root)
    rounds = sample.read_all(root / folder) if folder else []
    found.rounds = len(rounds)
    if rounds:
        last = rounds[-1]
        judged = {line.id for line in made if last.has_begun(line.decided_on)}
        found.queues[queues.ROUND] = Queue(sum(row.id not in judged for row in last.rows), len(last.rows))


def _metrics(found: Standing, root: Path) -> None:
    document = params.read(root / params.FILE)
    report = document.get("report")
    found.title = report.get("title") if isinstance(report, dict) else None
    issues = _json(root, "find_issues")
    measured = _json(root, "rounds")
    noise: Mapping[str, dict] = measured.get("noise", {})
    last = max(noise, default=None)
    share = noise[last].get("after", noise[last].get("before", {})).get("all", {}) if last else {}
    kept = {name: share.get(name) for name in ("share", "share_low", "share_high")}
    found.wrong_labels = WrongLabels(
        expected=issues.get("expected_errors"),
        is_guess="decisions" not in issues.get("calibration", {}),
        round=last if share else None,
        **kept,
    )
    found.advice = {name: measured.get("stopping", {}).get(name, "") for name in ("verdict", "says")}
    if file := pipeline.find("find_issues", "metrics", root):
        folder = file.parent
        try:
            found.doubts = [(stage, doubt.what) for stage, doubt in gates.read(root / folder)]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"{folder}: a file is not as its stage writes it ({error}); `dvc checkout`") from None


def _json(root: Path, stage: str) -> dict:
    """Return a stage's metrics; none where it has not run."""
    file = pipeline.made(stage, "metrics", root)
    if file is None:
        return {}
    try:
        return json.loads(files.read_text(root / file))
    except ValueError as error:
        raise UserError(f"{file}: not JSON: {error}; run `dvc repro {stage}`") from None


def _test(found: Standing, root: Path) -> None:
    labelled, folder = pipeline.made("evaluate", "rows", root), pipeline.find("report", "test", root)
    if labelled and folder and (root / labelled).stat().st_size <= MOST_LABELLED_BYTES:
        found.test_looks = len(looks.at(looks.read(root / folder), looks.fingerprint(root / labelled)))
