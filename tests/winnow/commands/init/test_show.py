"""What init says of the first run."""

from winnow.commands.init import show
from winnow.commands.init.budget import Plan


def test_no_more_responses_are_told_than_there_are():
    plan = Plan(64, 0, None, 2, 0, (1,), scored=64, minutes=3.0)
    assert "among 58 responses" in show.plan(plan, 58, "generation")
    assert "among 64 responses" in show.plan(plan, 900, "generation")
