"""A folder of raw e-mails to an invented ferry company: `emails/complaint/*.eml` and `emails/question/*.eml`.

They have what mailboxes have: encoded headers, HTML beside or instead of plain text, old charsets, replies with quotes,
signatures, a disclaimer under many, attachments, threads, copies, and a few filed in the wrong folder.
"""

import random
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

LABELS = ("complaint", "question")
PEOPLE = "Ada Brook, Ben Okoro, Chloé Dubois, Dora Lindqvist, Emil Nowak, Fay Adeyemi, Göran Holm".split(", ")
PORTS = "Alder Quay, Birch Haven, Cove End, Drummer's Point, Eel Island, Fennel Bay".split(", ")
THINGS = "bicycle, pushchair, dog basket, suitcase, canoe, wheelchair, cello, surfboard, tool box, tent".split(", ")
TIMES = "Monday morning, Tuesday noon, the early sailing, the last boat on Friday, Saturday night".split(", ")
SUBJECTS = {
    "complaint": ("Unhappy about {port}", "Late again: {time}", "Refund for a damaged {thing}", "Rude crew, {port}"),
    "question": ("Taking a {thing} aboard", "Timetable for {port}", "Sailing on {time}?", "Ticket for a {thing}"),
}
SENTENCES = {
    "complaint": (
        "Our boat to {port} left {number} minutes late and nobody told us why.",
        "My {thing} came off the deck broken, and your staff shrugged.",
        "I am very disappointed with the service on {time}.",
        "The waiting room at {port} was filthy and cold.",
        "You charged me {number} crowns twice for one {thing}.",
        "This is the third time since spring that {time} was cancelled without a word.",
        "I expect a refund of {number} crowns and an apology.",
        "The crew shouted at my mother when her {thing} blocked the stairs.",
        "It is unacceptable that the toilets were locked all the way from {port}.",
        "We missed our train because of you and lost {number} crowns.",
    ),
    "question": (
        "Could you tell me whether a {thing} travels free of charge?",
        "At what time does the ferry to {port} leave on {time}?",
        "How many minutes before departure should we be at {port}?",
        "Is there a lift on board for somebody with a {thing}?",
        "Do you still sell books of {number} tickets?",
        "Can I change my booking from {time} to the day after?",
        "Where do I park near {port}, and is {number} crowns a day right?",
        "Would you let me know if children under {number} need a ticket?",
        "Which pier at {port} does the boat on {time} use?",
        "May I reserve a place for my {thing} in advance?",
    ),
}
DISCLAIMER = (
    "This message and its attachments are meant for the person named above only; if you are somebody else, please "
    "delete them and tell the sender at once."
)
QUOTE = """

On 1 March 2022, the ferry office <office@example.net> wrote:
> Thank you for writing about case {number}.
> We shall answer soon."""
HTML = """<html><head><style>p {{ margin: 0 }}</style></head><body><p>Dear ferry office,</p>
<p>{body}</p><p>Best&nbsp;regards<br>{name}</p><hr><small>{disclaimer}</small>
<script>track("{number}")</script></body></html>
"""


def write(folder: Path) -> None:
    """Write the e-mails below `folder`."""
    draw = random.Random(7)
    for number in range(120):
        label = LABELS[number % 2]
        filed = LABELS[1 - number % 2] if misfiled(number) else label
        path = folder / "emails" / filed / f"{number:03}.eml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_message(number, label, draw))
    first = folder / "emails/complaint/000.eml"
    first.with_name("000-copy.eml").write_bytes(first.read_bytes().replace(b"<0@", b"<copy-0@"))


def misfiled(number: int) -> bool:
    """Tell whether an e-mail lies in the wrong folder."""
    return number % 17 == 3


def _message(number: int, label: str, draw: random.Random) -> bytes:
    def slots() -> dict:
        return {
            "port": draw.choice(PORTS),
            "thing": draw.choice(THINGS),
            "time": draw.choice(TIMES),
            "number": draw.randint(3, 95),
        }

    name = draw.choice(PEOPLE)
    address = f"{name.split()[1].lower()}{number}@example.org"
    body = " ".join(sentence.format(**slots()) for sentence in draw.sample(SENTENCES[label], 3))
    subject = f"{draw.choice(SUBJECTS[label]).format(**slots())}, case {number}"
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit" if number % 3 else "8bit"))
    message["Received"] = f"from mail.example.org by post.example.net; Tue, {number % 28 + 1} Mar 2022 08:00:00 +0100"
    message["From"] = f"{name} <{address}>"
    message["To"] = "office@example.net"
    message["Date"] = f"{number % 28 + 1:02} Mar 2022 08:{number % 60:02}:00 +0100"
    message["Message-ID"] = f"<{number}@example.org>"
    quote = ""
    if number % 10 >= 8:  # the same person's second message, to the one eight before
        message["In-Reply-To"] = f"<{number - 8}@example.org>"
        message["References"] = f"<{number - 8}@example.org>"
        subject = f"Re: your answer to case {number - 8}"
        quote = QUOTE.format(number=number)
    message["Subject"] = subject + (" – früher?" if number % 5 == 0 else "")
    signature = f"-- \n{name}\nTelephone 555-01{number % 100:02}\n"
    plain = f"Dear ferry office,\n\n{body}\n\nBest regards\n{name}{quote}\n\n{signature}"
    charset = "iso-8859-1" if number % 6 == 1 else "utf-8"
    if number % 4 == 2:  # HTML alone
        html = HTML.format(body=body.replace("'", "&rsquo;"), name=name, disclaimer=DISCLAIMER, number=number)
        message.set_content(html, subtype="html", charset=charset)
    else:
        if number % 3 == 0:
            plain += f"\n{DISCLAIMER}\n"
        message.set_content(plain, charset=charset)
        if number % 4 == 3:
            html = HTML.format(body=body, name=name, disclaimer=DISCLAIMER, number=number)
            message.add_alternative(html, subtype="html")
    if number % 15 == 4:
        message.add_attachment(b"\x89PNG nothing to read", maintype="image", subtype="png", filename="photo.png")
    if message.is_multipart():
        message.set_boundary(f"part-{number}")  # else it is random
        for part in message.iter_parts():
            if part.is_multipart():
                part.set_boundary(f"inner-{number}")
    return message.as_bytes()
