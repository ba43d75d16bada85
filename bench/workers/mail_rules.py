"""Parsers of e-mail, each asked for what a mail's author wrote in it, by the call that keeps most of it."""

import importlib.util
import json
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

Parse = Callable[[str], str]


def winnow(revision: str | None) -> Parse:
    from winnow.text.cleaning import mail

    return _rules(mail)


def winnow_before(file: str) -> Parse:
    spec = importlib.util.spec_from_file_location("mail_before", file)
    mail = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mail)
    return _rules(mail)


def _rules(mail: types.ModuleType) -> Parse:
    return lambda text: mail.strip_signature(mail.strip_quotes(mail.strip_mail_headers(text)))


def mail_parser_reply(_: str | None) -> Parse:
    from mailparser_reply import EmailReplyParser
    from mailparser_reply.constants import MAIL_LANGUAGES

    parser = EmailReplyParser(languages=list(MAIL_LANGUAGES))

    def parse(text: str) -> str:
        replies = parser.read(text).replies
        return replies[0].body if replies else ""

    return parse


def email_reply_parser(_: str | None) -> Parse:
    from email_reply_parser import EmailReplyParser

    return EmailReplyParser.parse_reply


def email_reply_extractor(_: str | None) -> Parse:
    from email_reply_extractor import clean_for_scoring, extract_new_text

    return lambda text: clean_for_scoring(extract_new_text(text).text).text


def quotequail(_: str | None) -> Parse:
    import quotequail

    return lambda text: "\n".join(part for shown, part in quotequail.quote(text) if shown)


def talon(_: str | None) -> Parse:
    """Its rules; its learned classifier needs a scikit-learn that no supported Python runs, and is not loaded."""
    folder = Path(importlib.util.find_spec("talon").origin).parent / "signature"
    package = types.ModuleType("talon.signature")
    package.__path__ = [str(folder)]
    sys.modules["talon.signature"] = package
    from talon.quotations import extract_from_plain
    from talon.signature.bruteforce import extract_signature

    return lambda text: extract_signature(extract_from_plain(text))[0]


def parse(parser: str, argument: str | None, texts: str) -> dict:
    """Return `made`, what a parser makes of each text, and the `seconds` it took.

    Args:
        parser: name of a function of this module.
        argument: what it takes.
        texts: a JSON file: [str].
    """
    function = globals()[parser](argument)
    read = json.loads(Path(texts).read_text(encoding="utf-8"))
    start = time.perf_counter()
    made = [function(text) for text in read]
    return {"made": made, "seconds": time.perf_counter() - start}
