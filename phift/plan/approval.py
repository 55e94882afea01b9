"""The approval that a pull request comment carries: which changes of which commit the reviewers have seen.

It is stored in the comment as a hidden line, `<!-- phift-approval BASE64 -->`, and read back when the pull request is
merged. The text of the comment is not parsed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from phift.lazy import lazy_pattern
from phift.plan.fingerprint import (
    Essence,
    covers,
    differences,
    essence,
    fingerprint,
    fingerprint_of_many,
    is_fingerprint,
)
from phift.plan.model import Plan

__all__ = ["Approval", "Deviation"]

_LINE = lazy_pattern(r"^<!-- phift-approval ([A-Za-z0-9_.=]+) -->$", re.MULTILINE)
_SIGNS = b"_."
"""Of the base64 text: a hyphen could end the HTML comment."""
_FORMAT = 1
_LARGEST = 5_000_000
"""Bytes of an approval, so that a forged one cannot exhaust the memory."""


@dataclass(frozen=True)
class Deviation:
    """A difference from what was approved. stack, address: empty if it is not known which."""

    stack: str
    address: str
    clause: str

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.stack and f"stack {self.stack}", self.address) if part)
        return f"{place}: {self.clause}" if place else self.clause


@dataclass(frozen=True)
class Approval:
    """commit: the head of the pull request that was planned. fingerprint: of all stacks together. stacks: the
    fingerprint of each stack that changes. resources: what each of them covers; empty if the comment has no room for
    it. failed: the number of stacks that could not be planned."""

    commit: str
    fingerprint: str
    stacks: Mapping[str, str]
    resources: Mapping[str, tuple[Essence, ...]]
    failed: int = 0

    @classmethod
    def of(cls, plans: Iterable[Plan], commit: str, *, failed: int = 0) -> Approval:
        """Return the approval of these plans."""
        changing = {plan.stack: plan for plan in plans if plan.changes_something}
        return cls(
            commit,
            fingerprint_of_many(changing.values()),
            {stack: fingerprint(plan) for stack, plan in changing.items()},
            {stack: essence(plan) for stack, plan in changing.items()},
            failed,
        )

    @property
    def changes_nothing(self) -> bool:
        """Whether the approved plans had no changes."""
        return not self.failed and self.fingerprint == fingerprint_of_many(())

    def deviations(self, plans: Iterable[Plan], *, failed: int = 0) -> tuple[Deviation, ...]:
        """Return how the plans differ from the approved ones; empty if they are equal, or change nothing.

        failed: the number of stacks that could not be planned now.
        """
        now = Approval.of(plans, self.commit, failed=failed)
        if failed:
            return (Deviation("", "", f"{failed} stacks could not be planned"),)
        if not now.stacks:
            return ()
        if self.failed:
            return (Deviation("", "", f"{self.failed} stacks could not be planned when the plan was approved"),)
        if now.fingerprint == self.fingerprint:
            return ()
        return tuple(self._deviations(now)) or (
            Deviation("", "", f"fingerprint {now.fingerprint}, approved was {self.fingerprint}"),
        )

    def continues(self, plans: Iterable[Plan], *, failed: int = 0) -> bool:
        """Return whether the plans are the rest of the approved ones. False if the approval has no resources."""
        now = Approval.of(plans, self.commit)
        return not failed and all(
            covers(self.resources.get(stack, ()), found) for stack, found in now.resources.items()
        )

    def _deviations(self, now: Approval) -> Iterable[Deviation]:
        for stack in sorted({*self.stacks, *now.stacks}):
            if self.stacks.get(stack) == now.stacks.get(stack) or not self.stacks:
                continue
            if self.resources or stack not in self.stacks:
                found = differences(self.resources.get(stack, ()), now.resources.get(stack, ()))
                yield from (Deviation(stack, address, clause) for address, clause in found.items())
            else:
                yield Deviation(stack, "", "differs from the approved plan")

    def line(self, room: int) -> str:
        """Return the hidden line of at most `room` characters: without the resources if they do not fit, then without
        the stacks, and "" if nothing fits."""
        documents = (
            self._document(self.stacks, self.resources),
            self._document(self.stacks, {}),
            self._document({}, {}),
        )
        lines = (f"<!-- phift-approval {_packed(document)} -->" for document in documents)
        return next((line for line in lines if len(line) <= room), "")

    @classmethod
    def read(cls, comment: str) -> Approval | None:
        """Return the approval of a comment; None if it has none, several, or a damaged one."""
        found = _LINE.findall(comment.replace("\r\n", "\n"))
        return cls._parsed(_unpacked(found[0])) if len(found) == 1 else None

    def _document(self, stacks: Mapping[str, str], resources: Mapping[str, tuple[Essence, ...]]) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "commit": self.commit,
            "fingerprint": self.fingerprint,
            "failed": self.failed,
            "stacks": dict(stacks),
            "resources": {
                stack: [[one.address, one.action, one.digest] for one in found] for stack, found in resources.items()
            },
        }

    @classmethod
    def _parsed(cls, data: Any) -> Approval | None:
        try:
            if data["format"] != _FORMAT or not is_fingerprint(data["fingerprint"]):
                return None
            resources = {
                str(stack): tuple(Essence(str(a), str(b), str(c)) for a, b, c in found)
                for stack, found in data["resources"].items()
            }
            stacks = {str(stack): str(text) for stack, text in data["stacks"].items()}
            return cls(str(data["commit"]), data["fingerprint"], stacks, resources, int(data["failed"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def _packed(document: Mapping[str, Any]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 9), _SIGNS).decode()


def _unpacked(text: str) -> Any:
    try:
        raw = base64.b64decode(text, _SIGNS, validate=True)
        opened = zlib.decompressobj()
        whole = opened.decompress(raw, _LARGEST)
        return json.loads(whole) if opened.eof else None
    except (binascii.Error, zlib.error, ValueError):
        return None
