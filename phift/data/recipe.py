"""The recipe of a data version: everything that determines its rows, as one value."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from phift.data.mapping import written_out
from phift.data.sources import SourceIdentity
from phift.data.table import Table
from phift.data.take import Take
from phift.diagnostics import Diagnostic
from phift.digest import digest_of
from phift.errors import InvalidSpecError

__all__ = ["PREPARATION_VERSION", "Recipe", "Unfit"]

# Increment it only if the same source gives different rows or bytes: it changes every data version and every job.
PREPARATION_VERSION = 1


@dataclass(frozen=True)
class Unfit:
    """What to do with unfit rows. share: the maximum share of rows to drop; 0: none."""

    share: Fraction = Fraction(0)

    @classmethod
    def parse(cls, value: object) -> Unfit:
        """Parse None, "refuse" or `{skip: 1%}`. Raises InvalidSpecError for anything else."""
        if value is None or value == "refuse":
            return cls()
        if isinstance(value, Mapping) and set(value) == {"skip"} and isinstance(value["skip"], str):
            share = Take.parse(value["skip"]).share
            if share is not None:
                return cls(share)
        raise InvalidSpecError(
            [
                Diagnostic(
                    "unfit must be `refuse`, or the maximum share of rows to drop",
                    remedy="Example: `unfit: {skip: 1%}` (more than 0%, less than 100%).",
                    path="data.unfit",
                    code="data-unfit",
                )
            ]
        )

    def allows(self, skipped: int, rows: int) -> bool:
        """Return whether this many of the rows may be dropped."""
        return skipped <= self.share * rows

    def __str__(self) -> str:
        return f"skip {float(self.share * 100):g}%" if self.share else "refuse"


@dataclass(frozen=True)
class Recipe:
    """identity: of the source. messages: the expanded mapping of its columns (see mapping.py); None: rows have
    `messages`.

    open_ended: conversations may end with the user; for rows that are only sent to the endpoint. table: the columns of
    a text task, whose rows are not conversations; messages is None then.
    """

    identity: SourceIdentity
    take: Take = field(default_factory=Take)
    seed: int = 0
    messages: Any = None
    unfit: Unfit = field(default_factory=Unfit)
    open_ended: bool = False
    table: Table | None = None

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
        table: Table | None = None,
    ) -> Recipe:
        """Parse values of a spec. Raises InvalidSpecError; see Take.parse, mapping.written_out and Unfit.parse."""
        said = written_out(messages, columns) if table is None else None
        return cls(identity, Take.parse(take), seed, said, Unfit.parse(unfit), open_ended and table is None, table)

    def plain(self) -> dict[str, Any]:
        """Return a plain value. Omits the seed if it has no effect, and defaults of fields that release 0.1.0 lacks."""
        return {
            "preparation": PREPARATION_VERSION,
            "source": self.identity.plain(),
            "take": self.take.plain(),
            "seed": self.seed if self.take.seeded else None,
            "messages": self.messages,
            **({"unfit": {"skip": str(self.unfit.share)}} if self.unfit.share else {}),
            **({"open_ended": True} if self.open_ended else {}),
            **({"table": self.table.plain()} if self.table else {}),
        }

    @cached_property
    def key(self) -> str:
        """The digest of `plain`, 64 hex digits."""
        return digest_of(self.plain())

    @property
    def version(self) -> str:
        """The data version: the first 12 digits."""
        return self.key[:12]
