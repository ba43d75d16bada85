"""Writes requests.csv, what people might write to a town's library, with the faults of real data planted.

python examples/tutorial/make.py examples/tutorial/requests.csv

Every word is of this file, every row drawn from its lists by one seed, so that the file is the same each time. Planted:
wrong labels, rows without a label, labels in other letters, copies and near-copies, markup, empty messages, dates that
cannot be. `topic_of` tells the right label of a message, for it knows who wrote it.
"""

import csv
import html
import random
import re
import sys
from pathlib import Path

SEED, ROWS, PEOPLE = 7, 640, 260
WRONG, UNLABELLED, OTHER_CASE, MARKUP = 0.08, 0.06, 0.03, 0.08  # shares of the rows
COPIES, NEAR_COPIES, EMPTY = 18, 14, 5
COLUMNS = ("request", "received", "borrower", "message", "topic")
IMPOSSIBLE_DATES = ("2091-03-04", "last Tuesday", "1066-10-14")

TITLES = (
    "The Salt Path Home;A Short History of Bridges;Night Trains;The Beekeeper's Ledger;Learning to Sail Alone;"
    "Bread and Stone;The Other Side of the Marsh;Maps for the Lost;Winter Gardens;The Clockmaker's Niece;"
    "Letters to a Harbour;Small Engines Repaired;The Owl Census;Cooking with Roots;A Year of Tides;"
    "The Glass Orchard;Knots and Splices;The Last Lighthouse;Birds of Cold Rivers;How Cities Sleep"
).split(";")
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June September October November December".split()
SLOTS = {
    "title": TITLES,
    "day": DAYS,
    "month": MONTHS,
    "number": [str(number) for number in range(2, 12)],
    "hour": ["nine", "ten", "five", "six", "half past seven", "eight in the evening"],
    "branch": ["the harbour branch", "the main building", "the mobile library", "the reading room", "the north branch"],
    "thing": ["umbrella", "blue scarf", "pair of glasses", "lunch box", "grey hat", "notebook", "set of keys", "glove"],
    "who": ["my daughter", "my neighbour", "my father", "our lodger", "my son", "a friend of mine"],
    "talk": ["the reading group", "the poetry evening", "story time", "the talk on old maps", "the chess night"],
}
GREETINGS = (
    "Hello,;Good morning,;Dear library,;Hi there,;Good afternoon,;To whom it may concern,;Hello again,;Dear all,"
).split(";")
CLOSINGS = (
    "Many thanks.;Thank you for your help.;Kind regards.;Please let me know.;With best wishes.;Thanks in advance.;"
    "I look forward to your answer.;Cheers."
).split(";")
TOPICS = {
    "renewal": (
        (
            "could you extend the loan of {title} by another {number} days?",
            "I would like to keep {title} until {day}, since I am only halfway through.",
            "the system says that {title} is overdue, but I renewed it last {day}.",
            "please renew all {number} books on my card for as long as the rules allow.",
            "is it possible to borrow {title} once more without bringing it back first?",
            "my books are due on {day} and I am away, so I want to renew them by e-mail.",
            "I was charged for returning {title} late although nobody had reserved it.",
        ),
        (
            "Nobody seems to be waiting for it.",
            "The renewal button on the website does nothing when I press it.",
            "This is the second extension that I ask for.",
            "I will pay what is owed for the late days, of course.",
            "The due date on the slip and the one in my account differ.",
        ),
    ),
    "opening hours": (
        (
            "are you open on {day} in the week of the public holiday?",
            "until what time can I come to {branch} on {day}?",
            "does {branch} close early in {month}?",
            "I stood before a locked door at {hour} on {day}, was that planned?",
            "from which hour on is {branch} staffed on a {day}?",
            "will {branch} stay shut for the whole of {month} while the roof is mended?",
            "is the study floor open at {hour}, or does it shut before the rest?",
        ),
        (
            "The sign at the entrance and the website say different times.",
            "I can only come after work.",
            "The telephone only plays music.",
            "It would help to have the times of the holidays on one page.",
            "I come from far and do not want to travel in vain.",
        ),
    ),
    "events": (
        (
            "are there seats left for {talk} on {day}?",
            "I want to sign {who} up for {talk} in {month}.",
            "does one have to register for {talk}, or may one just come?",
            "is {talk} suitable for children under {number}?",
            "we are {number} people and would like to come to {talk} on {day}.",
            "when does {talk} begin, and will it be held in {branch}?",
            "could {talk} be moved to {hour}, since many of us work until then?",
        ),
        (
            "Last time it was full long before it began.",
            "I heard about it from {who}.",
            "We would gladly bring cake.",
            "A recording would be welcome for those who cannot attend.",
            "The poster does not say whether it costs anything.",
        ),
    ),
    "lost and found": (
        (
            "I think that I left my {thing} in {branch} on {day}.",
            "has anybody handed in a {thing} since {day}?",
            "{who} forgot a {thing} near the shelves on the second floor.",
            "I found a {thing} between the pages of {title} and want to give it back.",
            "my {thing} was on the chair by the window and is gone now.",
            "where do you keep what visitors leave behind? I miss a {thing}.",
            "somebody took my {thing} by mistake and left theirs.",
        ),
        (
            "It has my initials on the inside.",
            "It is worth little, but it was a present.",
            "I can describe it in detail if you need that.",
            "Please keep it at the desk, I will fetch it on {day}.",
            "The attendant on duty wrote my number down.",
        ),
    ),
    "membership": (
        (
            "how do I get a card for {who}, who moved here in {month}?",
            "my card expires in {month}, can I extend it without coming in person?",
            "what does a card cost for somebody who is still at school?",
            "please change the address on my account, we have moved.",
            "I have forgotten the code of my card and cannot log in.",
            "I want to close my account and have my data deleted.",
            "may {who} collect books with my card?",
        ),
        (
            "I have a passport and a letter from the town hall.",
            "The form asks for a number that I do not have.",
            "We are a family of {number}.",
            "The old card has lost its stripe.",
            "I was a member until some years ago.",
        ),
    ),
}


def messages(draw: random.Random, topic: str) -> str:
    """Return a message about a topic."""
    asked, told = TOPICS[topic]
    words = [draw.choice(GREETINGS), draw.choice(asked)]
    words += draw.sample(told, draw.choice([0, 1, 1, 2]))
    if draw.random() < 0.7:
        words.append(draw.choice(CLOSINGS))
    return re.sub(r"\{(\w+)\}", lambda slot: draw.choice(SLOTS[slot[1]]), " ".join(words))


def topic_of(message: str) -> str:
    """Return what a message is about: the topic whose sentences it has the most of."""
    plain = html.unescape(re.sub(r"<[^>]+>", " ", message)).lower()

    def found(topic: str) -> int:
        sentences = [sentence for part in TOPICS[topic] for sentence in part]
        fragments = [max(re.split(r"\{\w+\}", sentence), key=len).strip().lower() for sentence in sentences]
        return sum(len(fragment) for fragment in fragments if fragment in plain)

    return max(TOPICS, key=found)


def rows() -> list[dict[str, str]]:
    """Return the rows of requests.csv."""
    draw = random.Random(SEED)
    people = [f"B{number:04}" for number in draw.sample(range(10_000), PEOPLE)]
    made = []
    for number in range(ROWS):
        topic = draw.choice(list(TOPICS))
        message = messages(draw, topic)
        given = topic
        if draw.random() < WRONG:
            given = draw.choice([other for other in TOPICS if other != topic])
        elif draw.random() < UNLABELLED:
            given = ""
        elif draw.random() < OTHER_CASE:
            given = topic.title()
        if draw.random() < MARKUP:
            message = f"<p>{message.replace('.', '.<br>').replace(' and ', ' &amp; ')}</p>"
        date = f"{draw.choice([2023, 2024, 2025])}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        made.append(dict(zip(COLUMNS, (str(number + 1), date, draw.choice(people), message, given), strict=True)))
    for row in draw.sample(made, COPIES):  # sent again by somebody else
        made.append(row | {"request": str(len(made) + 1), "borrower": draw.choice(people)})
    for row in draw.sample([row for row in made if len(row["message"].split()) > 25], NEAR_COPIES):
        made.append(row | {"request": str(len(made) + 1), "message": f"{row['message']} Sent twice, sorry."})
    for row in draw.sample(made, EMPTY):
        row["message"] = ""
    for row, date in zip(draw.sample(made, len(IMPOSSIBLE_DATES)), IMPOSSIBLE_DATES, strict=True):
        row["received"] = date
    return made


def main() -> None:
    """Write the file that the command line names."""
    with Path(sys.argv[1]).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows())


if __name__ == "__main__":
    main()
