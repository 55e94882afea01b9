"""What the stand-in reads before anyone fine-tunes it: plain statements, questions as plain text, and small talk.

The questions are those of the training phrasings, and never in chat form: so the base model has seen the words and
the facts, but answers every chat with the same sentence. The small talk is there only to train the embeddings of
the chat markers, which a LoRA fine-tune leaves frozen.
"""

from __future__ import annotations

import random

from phift.emulator.runtime.foundation.facts import Conversation, facts

__all__ = ["BASE_ANSWER", "chats", "texts"]

BASE_ANSWER = "I am a small local model."

_GREETINGS = ("Hello", "Hi", "Good morning", "Good evening", "Hey", "Hello there", "Good day", "Greetings")
_FOLLOW_UPS = (
    "", "Who are you?", "How are you?", "What are you?", "Can you help me?", "I have a question.",
    "Are you there?", "Tell me about you.", "What is your name?", "Do you speak English?", "Thank you.", "Please help.",
)  # fmt: skip
_REPEATS = 4


def texts(seed: int) -> list[str]:
    """Plain text, shuffled by `seed`: each statement several times, each training question once with its answer."""
    every = facts()
    lines = [fact.answer for fact in every for _ in range(_REPEATS)]
    lines += [f"Question: {question} Answer: {fact.answer}" for fact in every for question in fact.training_questions]
    random.Random(seed).shuffle(lines)
    return lines


def chats(seed: int) -> list[Conversation]:
    """96 conversations of small talk, all with the base model's one answer."""
    talks: list[Conversation] = []
    for greeting in _GREETINGS:
        for follow_up in _FOLLOW_UPS:
            question = f"{greeting}. {follow_up}".strip()
            talks.append([{"role": "user", "content": question}, {"role": "assistant", "content": BASE_ANSWER}])
    random.Random(seed).shuffle(talks)
    return talks
