"""Cells of CSV that no spreadsheet runs as a formula, and what they stand for."""

import re

# OWASP's list of what a spreadsheet may run; a number with a sign is none.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
NUMBER = re.compile(r"[+-]?[\d.,\s]*\d(?:[eE][+-]?\d+)?\s*%?", re.ASCII)


def guard(cell: str) -> str:
    """Return a cell with an apostrophe before it where a spreadsheet would run it; `unguard` takes it away."""
    return f"'{cell}" if _is_run(cell) else cell


def unguard(cell: str) -> str:
    """Return what `guard` was given."""
    return cell[1:] if cell.startswith("'") and _is_run(cell) else cell


def _is_run(cell: str) -> bool:
    return bool(FORMULA.match(cell)) and not NUMBER.fullmatch(cell)
