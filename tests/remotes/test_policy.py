"""The least rights that docs/remotes.md grants suffice, and no less: moto checks them."""

import copy
import json
import re
from urllib.parse import unquote

import pytest

from tests.remotes.project import ROOT
from tests.remotes.rights import rights_checked, user


def policies() -> list[dict]:
    """Return the policies of the page: who pulls, who pushes too, who removes too."""
    page = (ROOT / "docs/remotes.md").read_text(encoding="utf-8")
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]


def without(policy: dict, action: str) -> dict:
    """Return a policy that lacks an action."""
    less = copy.deepcopy(policy)
    for statement in less["Statement"]:
        statement["Action"] = [known for known in statement["Action"] if known != action]
    less["Statement"] = [statement for statement in less["Statement"] if statement["Action"]]
    return less


@pytest.mark.parametrize("lacking", [None, "s3:PutObject", "s3:GetObject", "s3:ListBucket"])
def test_each_right_of_the_policy_is_needed(lacking, project, moto, caplog):
    caplog.set_level("INFO", logger="werkzeug")
    [policy] = policies()
    prefix = f"winnow/{lacking}".replace(":", "-")
    policy = json.loads(json.dumps(policy).replace("BUCKET", "datasets").replace("PREFIX", prefix))
    who = user(moto, f"user-{lacking}".replace(":", "-"), without(policy, lacking) if lacking else policy)
    project.remote(who, prefix)
    project.commit("remote")
    with rights_checked(moto):
        pushed = project.dvc("push", status=None)
        clone = project.clone("elsewhere")
        clone.keys(who)
        clone.dvc("pull", status=None)
    assert (clone.data() == project.data()) == (lacking is None), pushed
    # moto does not look at the condition.
    listed = [unquote(found) for found in re.findall(r"list-type=2\S*?prefix=([^&\s]*)", caplog.text)]
    assert listed or lacking
    assert [found for found in listed if not found.startswith(f"{prefix}/")] == []


def test_a_reader_pulls_and_cannot_push_or_remove(project, moto):
    [policy] = policies()
    policy = json.loads(json.dumps(policy).replace("BUCKET", "datasets").replace("PREFIX", "winnow/reader"))
    project.remote(moto, "winnow/reader")
    project.commit("remote")
    project.dvc("push", "-q")
    stored = moto.objects("winnow/reader")
    reader = user(moto, "reader", without(without(policy, "s3:PutObject"), "s3:DeleteObject"))
    clone = project.clone("elsewhere")
    clone.keys(reader)
    with rights_checked(moto):
        clone.dvc("pull", "-q")
        assert clone.data() == project.data()
        clone.change("another version")
        assert clone.dvc("push", status=None)
        clone.dvc("gc", "--workspace", "--cloud", "--force", status=None)
    assert moto.objects("winnow/reader") == stored
