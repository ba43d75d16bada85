"""Two branches of a real Git repository that both decide: whoever merges whom, the same decisions count."""

import shutil
import subprocess
from pathlib import Path

import pytest

from stages.rounds.__main__ import periods
from winnow.people import decisions, settling
from winnow.people.rounds.sample import Round
from winnow.review import journal

ROOT = Path(__file__).parents[3]
FIRST, SECOND = "2026-01-31T09:30:00Z", "2026-01-31T16:00:00Z"
ROUNDS = [Round(1, "2026-01-30", ()), Round(2, "2026-01-31T12:00:00Z", ())]


@pytest.fixture
def git(tmp_path):
    """A repository with the project's attributes and one decision."""
    shutil.copy(ROOT / ".gitattributes", tmp_path)

    def git(*arguments: str) -> None:
        own = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *own, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    decide(tmp_path, "other", "keep", "2026-01-30T08:00:00Z")
    commit(git)
    git("branch", "theirs")
    git("branch", "ours")
    return git


def decide(folder: Path, id: str, verdict: str, decided_on: str) -> None:
    of = {"id": id, "text_sha": "sha", "given_label": "FRUIT", "new_label": "STONE" if verdict == "relabel" else ""}
    row = of | {"verdict": verdict, "reviewer": "ana", "decided_on": decided_on}
    journal.append(folder / "data/decisions.csv", [row])


def commit(git) -> None:
    git("add", "-A")
    git("commit", "-qm", "decisions")


@pytest.mark.parametrize("earlier", ["ours", "theirs"])
@pytest.mark.parametrize("into", ["ours", "theirs"])
def test_the_later_verdict_counts_and_each_line_is_of_the_round_in_which_it_was_made(git, tmp_path, into, earlier):
    other = {"ours": "theirs", "theirs": "ours"}
    for branch, verdict, decided_on in ((earlier, "keep", FIRST), (other[earlier], "relabel", SECOND)):
        git("checkout", "-q", branch)
        decide(tmp_path, "row", verdict, decided_on)
        decide(tmp_path, f"alone in {branch}", "keep", decided_on)
        commit(git)
    git("checkout", "-q", into)
    git("merge", "-q", "-m", "both", other[into])

    made = decisions.read(tmp_path / "data/decisions.csv")
    assert len(made) == 5
    counting = settling.latest(made)["row"]["ana"]
    assert (counting.verdict, counting.decided_on) == ("relabel", SECOND)
    first, second = ({(of.id, of.verdict) for of in period.made} for period in periods(ROUNDS, made))
    assert first == {("other", "keep"), ("row", "keep"), (f"alone in {earlier}", "keep")}
    assert second == {("row", "relabel"), (f"alone in {other[earlier]}", "keep")}
    assert [len(period.until) for period in periods(ROUNDS, made)] == [3, 5]


def test_lines_that_both_branches_imported_are_read_once(git, tmp_path):
    for branch in ("ours", "theirs"):
        git("checkout", "-q", branch)
        decide(tmp_path, branch, "keep", FIRST)
        decide(tmp_path, "row", "keep", FIRST)
        commit(git)
    git("merge", "-q", "-m", "both", "ours")
    made = decisions.read(tmp_path / "data/decisions.csv")
    assert sorted(decision.id for decision in made) == ["other", "ours", "row", "theirs"]
