"""Mail: what Winnow's rules and other parsers keep of an author's words, and leave of what is not the author's.

python -m bench.mail_rules --out bench/results/mail_rules.json

On the invented mails of bench/mail_corpus.py, and on those of them that were written after the rules stood. Each parser
gets the mail's text and gives what its author wrote. Shares of the mails, more is better:

- right: nothing of the author's lost, and all else gone;
- kept: not a word of the author's lost;
- gone: all of the rest gone.

The mails are ours, and what is right is what Winnow needs: the words of one person, without greeting lines removed,
with a forwarded mail kept. The others were made for something a little different: mail-parser-reply splits a mail into
its replies, email-reply-parser (Zapier's, after GitHub's) hides quotes in a thread of comments, email-reply-extractor
prepares mail of lists for scoring and drops greetings, quotequail folds quotes away and knows no signatures, talon
(Mailgun's; without its learned classifier, whose scikit-learn no current Python runs) does both for English.

`before` is the code of `--before`, a revision of Git. Hostile texts: seconds that each parser takes for texts of
`HOSTILE_SIZE` characters, one thing over and over, stopped after `LIMIT` seconds.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from bench import mail_corpus, peers
from bench.peers import Contender
from winnow.base.files import write_json

OURS = "Winnow"
BEFORE = "f042fb5"  # before the rules knew more than English and German
TOOLS = {
    OURS: ("winnow", ()),
    "mail-parser-reply": ("mail_parser_reply", ("mail-parser-reply",)),
    "email-reply-parser": ("email_reply_parser", ("email-reply-parser",)),
    "email-reply-extractor": ("email_reply_extractor", ("email-reply-extractor",)),
    "quotequail": ("quotequail", ("quotequail",)),
    "talon": ("talon", ("talon",)),
}
MEASURES = {
    "right": "nothing lost, all else gone",
    "kept": "no word of the author lost",
    "gone": "all else gone",
}
HELD_OUT = ("fresh_", "later")  # begin the names of files that were written after the rules stood
HOSTILE = ("> ", ">\n", "On 1 ", "On 1 wrote:\n", "wrote:", "From: a\n", "-- \n", "\n", " ", "Thanks\n", "_", "- ")
HOSTILE_SIZE = 100_000
LIMIT = 60


def contenders(folder: Path, texts: Path, before: str) -> list[Contender]:
    """Return all parsers; the earlier rules only where Git has their revision."""
    made = [
        Contender(name, "mail_rules:parse", (function, None, str(texts)), name != OURS, packages, "mail")
        for name, (function, packages) in TOOLS.items()
    ]
    command = ["git", "show", f"{before}:winnow/text/cleaning/mail.py"]
    shown = subprocess.run(command, cwd=peers.ROOT, capture_output=True, text=True, check=False)
    if shown.returncode == 0:
        file = folder / "before.py"
        file.write_text(shown.stdout, encoding="utf-8")
        arguments = ("winnow_before", str(file), str(texts))
        made.append(Contender(f"{OURS} at {before}", "mail_rules:parse", arguments, False, ()))
    return made


def judged(mails: list[mail_corpus.Mail], made: list[str]) -> dict[str, float]:
    """Return the share of mails that a parser gets right by each measure."""
    each = [mail_corpus.judge(mail, text) for mail, text in zip(mails, made, strict=True)]
    count = max(1, len(each))
    return {
        "right": sum(one.right for one in each) / count,
        "kept": sum(not one.lost for one in each) / count,
        "gone": sum(not one.left for one in each) / count,
    }


def scores(before: str) -> list[dict]:
    """Return the entries on all mails and on those held out, one a measure and a peer."""
    mails = mail_corpus.mails()
    with tempfile.TemporaryDirectory() as scratch:
        texts = Path(scratch) / "texts.json"
        texts.write_text(json.dumps([mail.text for mail in mails]), encoding="utf-8")
        found = {each.name: peers.run(each, LIMIT) for each in contenders(Path(scratch), texts, before)}
    entries = []
    for what in ("all", "held out"):
        chosen = [number for number, mail in enumerate(mails) if what == "all" or mail.name.startswith(HELD_OUT)]
        shares = {
            name: judged([mails[number] for number in chosen], [result["made"][number] for number in chosen])
            for name, result in found.items()
            if "made" in result
        }
        for measure, meaning in MEASURES.items():
            work = f"mail, {len(chosen)} messages ({what}): {measure}, {meaning}"
            entries += [entry(work, name, shares, measure, found[name]) for name in found if name != OURS]
    return entries


def entry(work: str, name: str, shares: dict[str, dict], measure: str, result: dict) -> dict:
    """Return one entry of a share."""
    reason = {"reason": result["error"]} if "error" in result else {}
    theirs = shares[name][measure] if name in shares else None
    versions = result.get("versions", {})
    return peers.entry(work, name, shares[OURS][measure], theirs, "share", goal=1, versions=versions, **reason)


def hostile(before: str) -> list[dict]:
    """Return the entries on hostile texts, one a peer."""
    with tempfile.TemporaryDirectory() as scratch:
        texts = Path(scratch) / "texts.json"
        texts.write_text(json.dumps([each * (HOSTILE_SIZE // len(each)) for each in HOSTILE]), encoding="utf-8")
        found = {each.name: peers.run(each, LIMIT) for each in contenders(Path(scratch), texts, before)}
    work = f"mail, {len(HOSTILE)} hostile texts of {HOSTILE_SIZE} characters"
    entries = []
    for name, result in found.items():
        if name != OURS:
            reason = {"reason": result["error"]} if "error" in result else {}
            facts = {"goal": 1, "versions": result.get("versions", {}), **reason}
            entries.append(peers.entry(work, name, found[OURS]["seconds"], result.get("seconds"), "s", **facts))
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--before", default=BEFORE, help="revision of Git whose rules are measured too")
    args = parser.parse_args()
    common = {"device": peers.device(), "command": "python -m bench.mail_rules --out bench/results/mail_rules.json"}
    write_json(args.out, [{**each, **common} for each in [*scores(args.before), *hostile(args.before)]])


if __name__ == "__main__":
    main()
