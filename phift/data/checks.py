"""Checks of prepared rows, configured by `data.checks` of a spec.

The measurements (`Found`) depend only on the recipe and CHECKS_VERSION, so that the lock file can pin them; the
`verdicts` depend on the spec and are computed each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phift.data.lengths import Lengths
from phift.data.recipe import Recipe
from phift.data.stats import Measures, overlap
from phift.data.tokens import ESTIMATE
from phift.diagnostics import Diagnostic, Severity
from phift.kinds.data.spec import ChecksBlock

__all__ = ["CHECKED", "CHECKS_VERSION", "Found", "found_in", "licences", "pinned_in", "verdicts"]

CHECKS_VERSION = 1
"""Increment it if the same rows give different results: pins of other versions are ignored."""

CHECKED = ("train", "validation", "test")
"""Splits to check: those uploaded for training."""

_PERSONAL = {"email": "e-mail addresses", "phone": "telephone numbers", "card": "card numbers", "iban": "IBANs"}


@dataclass(frozen=True)
class Found:
    """The measurements of a split. recipe: its key (64 hex). counted_by, personal, lengths: see Measures; pins of
    earlier releases have no lengths.

    longest: tokens of the longest row. overlap: the number of rows with a prompt that train (recipe `overlap_with`)
    also has; None if there is no train split.
    """

    recipe: str
    rows: int
    duplicates: int
    longest: int
    counted_by: str = ESTIMATE
    personal: Mapping[str, int] = field(default_factory=dict)
    overlap: int | None = None
    overlap_with: str = ""
    lengths: Lengths | None = None

    def plain(self) -> dict[str, Any]:
        """Return the pin for the lock file."""
        pin: dict[str, Any] = {"version": CHECKS_VERSION, "recipe": self.recipe, "rows": self.rows}
        pin |= {"duplicates": self.duplicates, "longest": self.longest, "tokens": self.counted_by}
        if self.lengths is not None:
            pin["lengths"] = self.lengths.plain()
        if self.personal:
            pin["personal"] = dict(self.personal)
        if self.overlap is not None:
            pin["overlap"] = {"train": self.overlap_with, "rows": self.overlap}
        return pin

    @classmethod
    def from_plain(cls, pin: Mapping[str, Any]) -> Found | None:
        """Parse the output of `plain`; None for an invalid pin or one of another version: the check runs again."""
        shared = pin.get("overlap", {})
        personal = pin.get("personal", {})
        if not isinstance(shared, Mapping) or not isinstance(personal, Mapping):
            return None
        counts = [pin.get("rows"), pin.get("duplicates"), pin.get("longest"), *personal.values(), shared.get("rows", 0)]
        texts = [pin.get("recipe"), pin.get("tokens"), shared.get("train", "")]
        if pin.get("version") != CHECKS_VERSION or not all(type(count) is int and count >= 0 for count in counts):
            return None
        if not all(isinstance(text, str) for text in texts):
            return None
        return cls(
            recipe=pin["recipe"],
            rows=pin["rows"],
            duplicates=pin["duplicates"],
            longest=pin["longest"],
            counted_by=pin["tokens"],
            personal=dict(personal),
            overlap=shared.get("rows"),
            overlap_with=shared.get("train", ""),
            lengths=Lengths.from_plain(pin.get("lengths")),
        )


def found_in(recipes: Mapping[str, Recipe], measured: Mapping[str, Measures]) -> dict[str, Found]:
    """Return the measurements by split, for the measured splits in CHECKED."""
    found = {}
    for split in CHECKED:
        if split not in measured:
            continue
        one = measured[split]
        found[split] = Found(
            recipe=recipes[split].key,
            rows=one.rows,
            duplicates=one.duplicates,
            longest=one.tokens.max,
            counted_by=one.counted_by,
            personal=one.personal,
            lengths=one.lengths,
        )
        if split != "train" and "train" in measured:
            shared = overlap(measured["train"], one)
            found[split] = replace(found[split], overlap=shared, overlap_with=recipes["train"].key)
    return found


def pinned_in(pins: Mapping[str, Mapping[str, Any]] | None, recipes: Mapping[str, Recipe]) -> dict[str, Found]:
    """Return the pins valid for these recipes, by split; missing splits must be checked."""
    held = {}
    for split in CHECKED:
        pin = (pins or {}).get(split)
        found = Found.from_plain(pin) if pin is not None and split in recipes else None
        if found is None or found.recipe != recipes[split].key:
            continue
        train = recipes["train"].key if split != "train" and "train" in recipes else ""
        if not train or found.overlap_with == train:
            held[split] = found
    return held


def verdicts(block: ChecksBlock, found: Mapping[str, Found]) -> list[Diagnostic]:
    """Return errors and warnings, as the spec configures them, for the measurements."""
    return [diagnostic for split, one in found.items() for diagnostic in _of(block, split, one)]


def licences(block: ChecksBlock, recipes: Mapping[str, Recipe]) -> list[Diagnostic]:
    """Return an error for each hub split whose licence the spec does not allow. Needs no rows."""
    if not block.licence:
        return []
    return [problem for split, recipe in recipes.items() for problem in _licence(block, split, recipe)]


def _licence(block: ChecksBlock, split: str, recipe: Recipe) -> Iterator[Diagnostic]:
    hub = recipe.identity.hub
    if hub is None:
        return
    allowed = {name.casefold() for name in block.licence}
    stated = [name.strip() for name in hub.licence.split(",") if name.strip()]
    if stated and all(name.casefold() in allowed for name in stated):
        return
    what = f"has the licence {hub.licence}" if stated else "states no licence"
    yield Diagnostic(
        f"data.{split}: {hub.id} {what}; data.checks.licence allows {', '.join(block.licence)}",
        remedy="Use other data, or add the licence after review.",
        path="data.checks.licence",
        code="data-check-licence",
    )


def _of(block: ChecksBlock, split: str, found: Found) -> Iterator[Diagnostic]:
    rows = f"of {found.rows:,} rows"
    if found.duplicates:
        noun = "repeats" if found.duplicates == 1 else "repeat"
        yield from _verdict(
            block.duplicates,
            "duplicates",
            f"data.{split}: {found.duplicates:,} {rows} {noun} an earlier conversation",
            "Remove the duplicates from the source.",
        )
    if found.overlap:
        noun = "has" if found.overlap == 1 else "have"
        yield from _verdict(
            block.overlap,
            "overlap",
            f"data.{split}: {found.overlap:,} {rows} {noun} a prompt that is also in data.train",
            f"Remove them from one of the splits: they make results on {split} look too good.",
        )
    if block.longest is not None and found.longest > block.longest:
        about = "about " if found.counted_by == ESTIMATE else ""
        how = "Estimated from characters/4." if found.counted_by == ESTIMATE else f"Counted by {found.counted_by}."
        yield Diagnostic(
            f"data.{split}: the longest row has {about}{found.longest:,} tokens; data.checks.longest is "
            f"{block.longest:,}",
            detail=how,
            remedy="Shorten or remove longer rows, or raise data.checks.longest.",
            path="data.checks.longest",
            code="data-check-longest",
        )
    if found.personal:
        kinds = ", ".join(f"{_PERSONAL.get(kind, kind)} in {n:,}" for kind, n in found.personal.items())
        yield from _verdict(
            block.pii,
            "pii",
            f"data.{split}: {rows.removeprefix('of ')} with likely {kinds}",
            "Remove or replace them in the source.",
        )


def _verdict(verdict: str, check: str, summary: str, remedy: str) -> Iterator[Diagnostic]:
    if verdict != "ignore":
        severity = Severity.ERROR if verdict == "refuse" else Severity.WARNING
        yield Diagnostic(summary, severity, remedy=remedy, path=f"data.checks.{check}", code=f"data-check-{check}")
