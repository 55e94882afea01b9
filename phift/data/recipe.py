"""The recipe of a data version: everything that decides which rows come out, as one value."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from phift.data.mapping import written_out
from phift.data.sources import SourceIdentity
from phift.data.take import Take
from phift.diagnostics import Diagnostic
from phift.digest import digest_of
from phift.errors import InvalidSpecError

__all__ = ["PREPARATION_VERSION", "Recipe", "Unfit"]

# Raise it only when the same source would give other rows or other bytes: it changes every data version there is,
# and with it every job.
PREPARATION_VERSION = 1


@dataclass(frozen=True)
class Unfit:
    """What becomes of rows that are not well formed. share: so much of the rows may be left out; 0: none."""

    share: Fraction = Fraction(0)

    @classmethod
    def parse(cls, value: object) -> Unfit:
        """From None, "refuse" or `{skip: 1%}`. Raises InvalidSpecError on anything else."""
        if value is None or value == "refuse":
            return cls()
        if isinstance(value, Mapping) and set(value) == {"skip"} and isinstance(value["skip"], str):
            share = Take.parse(value["skip"]).share
            if share is not None:
                return cls(share)
        raise InvalidSpecError(
            [
                Diagnostic(
                    "unfit must be `refuse`, or the share of rows that may be left out",
                    remedy="Write `unfit: {skip: 1%}` (more than 0%, less than 100%).",
                    path="data.unfit",
                    code="data-unfit",
                )
            ]
        )

    def allows(self, skipped: int, rows: int) -> bool:
        """Whether so many of so many rows may be left out."""
        return skipped <= self.share * rows

    def __str__(self) -> str:
        return f"skip {float(self.share * 100):g}%" if self.share else "refuse"


@dataclass(frozen=True)
class Recipe:
    """identity: of the source. messages: what maps its columns, written out (see mapping.py); None: rows have
    `messages`.

    open_ended: conversations may end with the user; of rows that are only asked.
    """

    identity: SourceIdentity
    take: Take = field(default_factory=Take)
    seed: int = 0
    messages: Any = None
    unfit: Unfit = field(default_factory=Unfit)
    open_ended: bool = False

    @classmethod
    def of(
        cls,
        identity: SourceIdentity,
        *,
        take: object = None,
        seed: int = 0,
        messages: object = None,
        columns: Collection[str] | None = None,
        unfit: object = None,
        open_ended: bool = False,
    ) -> Recipe:
        """From what a spec says, see Take.parse, mapping.written_out and Unfit.parse, which raise InvalidSpecError."""
        said = written_out(messages, columns)
        return cls(identity, Take.parse(take), seed, said, Unfit.parse(unfit), open_ended)

    def plain(self) -> dict[str, Any]:
        """As a plain value. Where the seed decides nothing it is left out, and so is what release 0.1.0 did not have,
        unless it says something."""
        return {
            "preparation": PREPARATION_VERSION,
            "source": self.identity.plain(),
            "take": self.take.plain(),
            "seed": self.seed if self.take.seeded else None,
            "messages": self.messages,
            **({"unfit": {"skip": str(self.unfit.share)}} if self.unfit.share else {}),
            **({"open_ended": True} if self.open_ended else {}),
        }

    @cached_property
    def key(self) -> str:
        """64 hex digits over `plain`."""
        return digest_of(self.plain())

    @property
    def version(self) -> str:
        """The data version: the first 12 of them."""
        return self.key[:12]
