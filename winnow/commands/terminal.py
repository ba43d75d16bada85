"""Text of files on a terminal: shown, and never obeyed."""


def printable(text: str) -> str:
    """Return a text in which `\ufffd` stands for each control character; names, labels and texts are anybody's."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
