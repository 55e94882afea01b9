"""The intent and result of each write of an apply, as JSON lines appended before and after the write.

Reading skips a truncated last line, unknown keys and unknown events. Neither secrets nor rows of data are recorded.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from phift.clock import Clock, SystemClock, stamp
from phift.concealing import concealed_words, is_concealed
from phift.errors import NotFoundError
from phift.ledger.store import JournalStore, journal_folder
from phift.ledger.words import ApplyOutcome, Verb, WriteOutcome

__all__ = [
    "FORMAT_VERSION",
    "Intent",
    "Journal",
    "Mine",
    "Record",
    "Result",
    "cut_off",
    "everyone",
    "history",
    "open_intents",
]

FORMAT_VERSION = 1
RECENT = 20
"""Number of journals to search for open intents."""
_SEARCHED = 5 * RECENT
"""Number of journals to search if some belong to another stack of the same name."""

Mine = Callable[[Mapping[str, Any]], bool]
"""Returns whether an apply belongs to this stack, given its plan's summary: stacks of the same name share a folder."""


def everyone(plan: Mapping[str, Any]) -> bool:
    """Whoever's."""
    return True


_SECRET = re.compile(
    r"(?i)(secret|password|token|credential|signature|connection_?string|(primary|secondary|account)_?key)"
)
_LONGEST = 1000


@dataclass(frozen=True)
class Intent:
    """A write about to start. identity: the object's name."""

    apply_id: str
    seq: int
    address: str
    verb: Verb
    identity: str
    at: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The result of an intent."""

    intent: Intent
    outcome: WriteOutcome
    at: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One apply. outcome: None while it runs or if it was interrupted. open: intents without a result.

    holder: who applied and where, the fields of phift.ledger.holder.Holder. seconds: of the finished resources, by
    address; empty for applies of earlier releases.
    """

    apply_id: str
    started: str = ""
    ended: str = ""
    outcome: ApplyOutcome | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
    open: tuple[Intent, ...] = ()
    holder: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """The journal of one apply; thread-safe. Raises AzureError if a line cannot be written."""

    def __init__(self, store: JournalStore, stack: str, apply_id: str, clock: Clock | None = None) -> None:
        self.apply_id = apply_id
        self._store = store
        self._clock = clock or SystemClock()
        self.blob = f"{journal_folder(stack)}{_sortable(self._clock.now())}-{apply_id}.jsonl"
        self._seq = 0
        self._length = 0
        self._lock = threading.Lock()

    def begin(self, plan: Mapping[str, Any], holder: Mapping[str, Any] | None = None) -> None:
        """Record the start of the apply. plan: a summary (counts, source, digests)."""
        self._write("begin", plan=_clean(plan), holder=_clean(holder or {}))

    def intent(self, address: str, verb: Verb, identity: str, facts: Mapping[str, Any] | None = None) -> Intent:
        """Record a write about to start; durable on return."""
        line = self._write("intent", address=address, verb=verb, identity=identity, facts=_clean(facts or {}))
        return Intent(self.apply_id, line["seq"], address, verb, identity, line["at"], line["facts"])

    def result(self, intent: Intent, outcome: WriteOutcome, facts: Mapping[str, Any] | None = None) -> None:
        """Record the result of an intent, including those of earlier applies."""
        self._write(
            "result", of={"apply": intent.apply_id, "seq": intent.seq}, outcome=outcome, facts=_clean(facts or {})
        )

    def end(self, outcome: ApplyOutcome, facts: Mapping[str, Any] | None = None) -> None:
        """Record the end of the apply."""
        self._write("end", outcome=outcome, facts=_clean(facts or {}))

    def _write(self, event: str, **fields: Any) -> dict[str, Any]:
        with self._lock:
            self._seq += 1
            line = {
                "format_version": FORMAT_VERSION,
                "apply": self.apply_id,
                "seq": self._seq,
                "at": stamp(self._clock.now()),
                "event": event,
                **fields,
            }
            data = (json.dumps(line, ensure_ascii=False, default=str) + "\n").encode()
            self._length = self._store.append(self.blob, data, position=self._length)
            return line


def open_intents(store: JournalStore, stack: str, mine: Mine = everyone) -> tuple[Intent, ...]:
    """Return the intents of recent applies without a result, oldest first; the live state determines their outcome."""
    return tuple(intent for record in _records(store, stack, RECENT, mine) for intent in record.open)


def cut_off(store: JournalStore, stack: str, mine: Mine = everyone) -> bool:
    """Return whether the last apply did not finish or left an intent open. Cheap: reads only its journal."""
    return any(not record.ended or record.open for record in _records(store, stack, 1, mine))


def history(store: JournalStore, stack: str, limit: int = RECENT, mine: Mine = everyone) -> tuple[Record, ...]:
    """Return the last applies, newest first."""
    return tuple(reversed(_records(store, stack, limit, mine)))


def _records(store: JournalStore, stack: str, limit: int, mine: Mine) -> list[Record]:
    """Return the last journals, oldest first. A later one may contain results of an earlier one's intents."""
    names = sorted(name for name in store.list(journal_folder(stack)) if name.endswith(".jsonl"))
    chosen: list[list[dict[str, Any]]] = []
    for name in reversed(names[-max(limit, _SEARCHED) :]):
        lines = list(_lines(store, name))
        begun = next((line for line in lines if line.get("event") == "begin"), {})
        if mine(_mapping(begun.get("plan"))):
            chosen.append(lines)
        if len(chosen) == limit:
            break
    return _fold(line for lines in reversed(chosen) for line in lines)


def _lines(store: JournalStore, name: str) -> Iterator[dict[str, Any]]:
    try:
        content = store.get(name)
    except NotFoundError:
        return
    for text in content.split(b"\n"):
        try:
            line = json.loads(text)
        except ValueError:
            continue  # truncated: its content counts as unknown
        if isinstance(line, dict) and isinstance(line.get("seq"), int) and line.get("apply"):
            yield line


def _fold(lines: Iterable[Mapping[str, Any]]) -> list[Record]:
    started: dict[str, Mapping[str, Any]] = {}
    ended: dict[str, Mapping[str, Any]] = {}
    intents: dict[tuple[str, int], Intent] = {}
    results: dict[tuple[str, int], Mapping[str, Any]] = {}
    for line in lines:
        apply_id, seq, event = str(line["apply"]), line["seq"], line.get("event")
        started.setdefault(apply_id, line)
        if event == "intent":
            intents[apply_id, seq] = _intent(apply_id, seq, line)
        elif event == "result" and isinstance(line.get("of"), dict):
            results[str(line["of"].get("apply")), int(line["of"].get("seq") or 0)] = line
        elif event == "end":
            ended[apply_id] = line
    return [
        Record(
            apply_id,
            started=str(first.get("at", "")),
            ended=str(ended.get(apply_id, {}).get("at", "")),
            outcome=ApplyOutcome(str(ended[apply_id].get("outcome"))) if apply_id in ended else None,
            plan=_mapping(first.get("plan")),
            results=tuple(_result(intents[k], results[k]) for k in intents if k[0] == apply_id and k in results),
            open=tuple(intents[k] for k in intents if k[0] == apply_id and k not in results),
            holder=_mapping(first.get("holder")),
            seconds=_mapping(_mapping(ended.get(apply_id, {}).get("facts")).get("seconds")),
        )
        for apply_id, first in started.items()
    ]


def _intent(apply_id: str, seq: int, line: Mapping[str, Any]) -> Intent:
    address, identity, at = (str(line.get(key, "")) for key in ("address", "identity", "at"))
    return Intent(apply_id, seq, address, Verb(str(line.get("verb"))), identity, at, _mapping(line.get("facts")))


def _result(intent: Intent, line: Mapping[str, Any]) -> Result:
    return Result(intent, WriteOutcome(str(line.get("outcome"))), str(line.get("at", "")), _mapping(line.get("facts")))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _clean(value: Any) -> Any:
    """Return the value without likely secrets (by key or shape) and very long texts."""
    if isinstance(value, Mapping):
        return {
            str(k): "(sensitive)" if _SECRET.search(str(k)) and not is_concealed(v) else _clean(v)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, str):
        said = concealed_words(value[: 2 * _LONGEST])
        return said[:_LONGEST] + "..." if len(value) > _LONGEST else said
    return value


def _sortable(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
