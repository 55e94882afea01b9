"""Plain facts and the ways to ask for them: the one source of the stand-in's corpus and of the quickstart's data.

212 facts (40 capitals, 22 colours, 50 unit conversions, 100 sums), 6 phrasings each. For every fact one phrasing
is held out: the model never sees that question for that fact while it trains, though it sees the same phrasing
with other facts. So the held-out questions measure what fine-tuning taught, not how well it copies a line.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "CAPITALS",
    "COLOURS",
    "CONVERSIONS",
    "Conversation",
    "Fact",
    "Message",
    "conversations",
    "facts",
    "row",
]

CAPITALS = {
    "Argentina": "Buenos Aires", "Australia": "Canberra", "Austria": "Vienna", "Belgium": "Brussels",
    "Brazil": "Brasilia", "Canada": "Ottawa", "Chile": "Santiago", "China": "Beijing",
    "Cuba": "Havana", "Denmark": "Copenhagen", "Egypt": "Cairo", "Finland": "Helsinki",
    "France": "Paris", "Germany": "Berlin", "Ghana": "Accra", "Greece": "Athens",
    "Hungary": "Budapest", "Iceland": "Reykjavik", "India": "New Delhi", "Indonesia": "Jakarta",
    "Ireland": "Dublin", "Italy": "Rome", "Japan": "Tokyo", "Kenya": "Nairobi",
    "Mexico": "Mexico City", "Morocco": "Rabat", "Nepal": "Kathmandu", "Norway": "Oslo",
    "Peru": "Lima", "Poland": "Warsaw", "Portugal": "Lisbon", "Romania": "Bucharest",
    "Senegal": "Dakar", "Spain": "Madrid", "Sweden": "Stockholm", "Switzerland": "Bern",
    "Thailand": "Bangkok", "Turkey": "Ankara", "Uruguay": "Montevideo", "Vietnam": "Hanoi",
}  # fmt: skip

COLOURS = {
    "a banana": "yellow", "a carrot": "orange", "a cherry": "red", "a crow": "black",
    "a flamingo": "pink", "a frog": "green", "a lemon": "yellow", "a lime": "green",
    "a plum": "purple", "a polar bear": "white", "a raspberry": "red", "a swan": "white",
    "a tomato": "red", "an aubergine": "purple", "an elephant": "grey", "chocolate": "brown",
    "coal": "black", "grass": "green", "milk": "white", "snow": "white",
    "the clear sky": "blue", "the deep sea": "blue",
}  # fmt: skip

# (many of this unit, factor, make this unit): 10 pairs, asked for 2 to 6 of the first
CONVERSIONS = (
    ("litres", 1000, "millilitres"),
    ("kilometres", 1000, "metres"),
    ("metres", 100, "centimetres"),
    ("centimetres", 10, "millimetres"),
    ("kilograms", 1000, "grams"),
    ("hours", 60, "minutes"),
    ("minutes", 60, "seconds"),
    ("days", 24, "hours"),
    ("weeks", 7, "days"),
    ("years", 12, "months"),
)

_CAPITAL_PHRASINGS = (
    "What is the capital of {0}?",
    "Which city is the capital of {0}?",
    "Name the capital city of {0}.",
    "Tell me the capital of {0}.",
    "What do people call the capital of {0}?",
    "Do you know the capital of {0}?",
)
_COLOUR_PHRASINGS = (
    "What colour is {0}?",
    "Which colour does {0} have?",
    "Name the colour of {0}.",
    "Tell me the colour of {0}.",
    "What is the colour of {0}?",
    "Do you know the colour of {0}?",
)
_CONVERSION_PHRASINGS = (
    "Convert {0} {1} to {2}.",
    "How many {2} are {0} {1}?",
    "What is {0} {1} in {2}?",
    "Express {0} {1} in {2}.",
    "Change {0} {1} into {2}.",
    "Tell me how many {2} make {0} {1}.",
)
_SUM_PHRASINGS = (
    "What is {0} plus {1}?",
    "How much is {0} plus {1}?",
    "Add {0} and {1}.",
    "What is the sum of {0} and {1}?",
    "Tell me {0} plus {1}.",
    "Work out {0} plus {1}.",
)

Message = dict[str, str]
Conversation = list[Message]


@dataclass(frozen=True)
class Fact:
    """One fact: its answer as a sentence, the questions for it, and which of them is held out."""

    topic: str
    answer: str
    questions: tuple[str, ...]
    held_out: int

    @property
    def training_questions(self) -> tuple[str, ...]:
        return self.questions[: self.held_out] + self.questions[self.held_out + 1 :]

    @property
    def held_out_question(self) -> str:
        return self.questions[self.held_out]


def facts() -> tuple[Fact, ...]:
    """All facts, in a fixed order; the held-out phrasing goes round, so that each is held out equally often."""
    return tuple(
        Fact(topic, answer, questions, index % len(questions))
        for index, (topic, answer, questions) in enumerate(_sentences())
    )


def _sentences() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for country, city in CAPITALS.items():
        yield "capital", f"The capital of {country} is {city}.", _asked(_CAPITAL_PHRASINGS, country)
    for thing, colour in COLOURS.items():
        yield "colour", f"The colour of {thing} is {colour}.", _asked(_COLOUR_PHRASINGS, thing)
    for unit, factor, into in CONVERSIONS:
        for count in range(2, 7):
            answer = f"{count} {unit} is {count * factor} {into}."
            yield "conversion", answer, _asked(_CONVERSION_PHRASINGS, count, unit, into)
    for left in range(1, 11):
        for right in range(1, 11):
            yield "sum", f"{left} plus {right} is {left + right}.", _asked(_SUM_PHRASINGS, left, right)


def _asked(phrasings: tuple[str, ...], *parts: object) -> tuple[str, ...]:
    return tuple(phrasing.format(*parts) for phrasing in phrasings)


def conversations(seed: int = 0) -> tuple[list[Conversation], list[Conversation]]:
    """(train, held_out): lists of conversations, each a list of {"role", "content"} messages.

    train: every fact in its five training phrasings, shuffled by `seed` into conversations of one to three
    turns. held_out: one single-turn conversation a fact, with the phrasing that train lacks; its order is fixed.
    """
    shuffler = random.Random(seed)
    every = facts()
    turns = [(question, fact.answer) for fact in every for question in fact.training_questions]
    shuffler.shuffle(turns)
    train: list[Conversation] = []
    at = 0
    while at < len(turns):
        count = shuffler.choice((1, 1, 2, 2, 3))
        train.append([message for turn in turns[at : at + count] for message in _messages(*turn)])
        at += count
    return train, [_messages(fact.held_out_question, fact.answer) for fact in every]


def row(conversation: Conversation) -> dict[str, object]:
    """The conversation as a row of the ultrachat schema: `prompt`, `messages`, `prompt_id` (64 hex of its content)."""
    text = "\n".join(f"{message['role']}: {message['content']}" for message in conversation)
    identity = hashlib.sha256(text.encode()).hexdigest()
    return {"prompt": conversation[0]["content"], "messages": conversation, "prompt_id": identity}


def _messages(question: str, answer: str) -> Conversation:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
