"""The version of the labelling rules: a name for all that makes their labels, which changes whenever that does.

An audit is of one version. Rows that people judged under an earlier one may have taught those who mended the rules.
"""

from pathlib import Path

from winnow.base import hashing
from winnow.labelling.settings import Params

LENGTH = 12  # hex digits


def version(settings: Params, files: Path) -> str:
    """Return the version of all rules and of what combines their votes: any of them may change any label.

    The letter in front keeps spreadsheets from taking it for a number.

    Args:
        files: the folder of what rules read.
    """
    recorded = {path.name for rule in settings.rules for path in rule.records(files)}
    made_by = sorted(rule.fingerprint(files, recorded) for rule in settings.rules)
    combined = settings.combine, settings.min_confidence, settings.min_rows
    return f"v{hashing.digest(*combined, *made_by)[:LENGTH]}"
