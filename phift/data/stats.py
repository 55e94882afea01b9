"""Statistics of prepared rows: counts, lengths, duplicates. Keeps and returns no texts.

    meter = Meter(token_counter("Phi-4"), limit=2048)
    for line in file: meter.add(line)
    measures = meter.measures()

Memory: about 100 bytes per row, regardless of its length.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from phift.data.lengths import LengthMeter, Lengths, row_size
from phift.data.personal import kinds_in
from phift.data.table import messages_in, prompt_in
from phift.data.tokens import TokenCounter

__all__ = ["Measures", "Meter", "Spread", "overlap"]


@dataclass(frozen=True)
class Spread:
    """The distribution of one number per row: minimum, median, 95th percentile (nearest rank), maximum and sum."""

    min: int = 0
    median: int = 0
    p95: int = 0
    max: int = 0
    total: int = 0

    @classmethod
    def of(cls, values: Sequence[int]) -> Spread:
        if not values:
            return cls()
        ranked = sorted(values)
        last = len(ranked) - 1
        return cls(ranked[0], ranked[last // 2], ranked[-(-95 * len(ranked) // 100) - 1], ranked[last], sum(ranked))


@dataclass(frozen=True)
class Measures:
    """turns: user and assistant messages. characters, tokens: of the contents of all messages.

    counted_by: the name of the token counter. cut: rows longer than the limit; None without a limit. duplicates: rows
    with the same messages as an earlier row. personal: rows by kind of personal data, see phift.data.personal.
    prompts: a digest of the prompt of each row, in order. lengths: of the rows in bytes.
    """

    rows: int
    turns: Spread
    characters: Spread
    tokens: Spread
    counted_by: str
    cut: int | None
    duplicates: int
    personal: Mapping[str, int]
    prompts: array[int] = field(repr=False, compare=False)
    lengths: Lengths | None = None


class Meter:
    """Measures rows one by one. counter: of tokens. limit: tokens above which a row is truncated; None: unknown."""

    def __init__(self, counter: TokenCounter, limit: int | None = None) -> None:
        self._counter = counter
        self._limit = limit
        self._turns: Counter[int] = Counter()
        self._lengths = LengthMeter()
        self._characters = array("L")
        self._tokens = array("L")
        self._seen: set[int] = set()
        self._prompts = array("Q")
        self._personal: Counter[str] = Counter()

    def add(self, line: bytes) -> None:
        """Add a row. line: the output of phift.data.messages.encoded."""
        row = orjson.loads(line)
        messages = messages_in(row)
        texts = [message["content"] for message in messages]
        self._turns[sum(message["role"] != "system" for message in messages)] += 1
        self._lengths.add(row_size(row))
        self._characters.append(sum(map(len, texts)))
        self._tokens.append(self._counter.count(texts))
        self._seen.add(_digest(orjson.dumps(messages)))
        # Prompts that differ only in white space count as equal.
        self._prompts.append(_digest(" ".join(prompt_in(row).split()).encode()))
        self._personal.update(set().union(*map(kinds_in, texts)))

    def measures(self) -> Measures:
        """Return the measures of the rows so far."""
        limit = self._limit
        return Measures(
            rows=len(self._prompts),
            turns=Spread.of(sorted(self._turns.elements())),
            characters=Spread.of(self._characters),
            tokens=Spread.of(self._tokens),
            counted_by=self._counter.name,
            cut=None if limit is None else sum(tokens > limit for tokens in self._tokens),
            duplicates=len(self._prompts) - len(self._seen),
            personal=dict(sorted(self._personal.items())),
            prompts=self._prompts,
            lengths=self._lengths.lengths(),
        )


def overlap(train: Measures, other: Measures) -> int:
    """Count the rows of `other` whose prompt is also in `train`."""
    known = set(train.prompts)
    return sum(prompt in known for prompt in other.prompts)


def _digest(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")
