"""The journal: intents and results survive kills, torn lines and newer versions; secrets never enter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from phift.errors import ConflictError, NotFoundError
from phift.ledger.journal import FORMAT_VERSION, Journal, cut_off, history, open_intents
from phift.ledger.words import ApplyOutcome, Verb, WriteOutcome


class FakeClock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class MemoryStore:
    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def get(self, name: str) -> bytes:
        if name not in self.blobs:
            raise NotFoundError("no blob", status=404)
        return self.blobs[name]

    def list(self, prefix: str) -> Iterator[str]:
        return iter(sorted(n for n in self.blobs if n.startswith(prefix)))

    def append(self, name: str, data: bytes, *, position: int | None = None) -> int:
        if position is not None and position != len(self.blobs.get(name, b"")):
            raise ConflictError("elsewhere", status=412, code="AppendPositionConditionNotMet")
        self.blobs[name] = self.blobs.get(name, b"") + data
        return len(self.blobs[name])


CLOCK = FakeClock()


def killed_apply(store: MemoryStore, apply_id: str = "a1") -> Journal:
    journal = Journal(store, "demo", apply_id, CLOCK)
    journal.begin({"add": 2})
    done = journal.intent("data.train", Verb.CREATE, "demo-train:0123")
    journal.result(done, WriteOutcome.DONE, {"version": "0123"})
    journal.intent("job.finetune", Verb.CREATE, "demo-4567", {"digest": "4567"})
    return journal


def test_words_of_a_later_release_are_read_as_unknown() -> None:
    store = MemoryStore()
    lines = [
        {"apply": "a1", "seq": 1, "event": "begin"},
        {"apply": "a1", "seq": 2, "event": "intent", "address": "model.main", "verb": "promote", "identity": "m"},
        {"apply": "a1", "seq": 3, "event": "result", "of": {"apply": "a1", "seq": 2}, "outcome": "deferred"},
        {"apply": "a1", "seq": 4, "event": "end", "outcome": "paused"},
    ]
    name = Journal(store, "demo", "a1", CLOCK).blob
    store.blobs[name] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    (record,) = history(store, "demo")
    assert record.outcome is ApplyOutcome.UNKNOWN
    assert [(r.intent.verb, r.outcome) for r in record.results] == [(Verb.UNKNOWN, WriteOutcome.UNKNOWN)]
    assert not record.results[0].outcome.took_effect


def test_an_intent_without_result_is_open_until_a_later_apply_settles_it() -> None:
    store = MemoryStore()
    killed_apply(store)
    assert cut_off(store, "demo")
    (left,) = open_intents(store, "demo")
    assert (left.address, left.verb, left.identity, left.facts) == (
        "job.finetune",
        Verb.CREATE,
        "demo-4567",
        {"digest": "4567"},
    )
    second = Journal(store, "demo", "a2", CLOCK)
    second.begin({})
    second.result(left, WriteOutcome.DONE)
    second.end(ApplyOutcome.DONE, {"seconds": {"job.finetune": 3.5}})
    assert not cut_off(store, "demo")
    assert open_intents(store, "demo") == ()
    newest, oldest = history(store, "demo")
    assert (newest.apply_id, newest.outcome, newest.open) == ("a2", "done", ())
    assert (newest.seconds, oldest.seconds) == ({"job.finetune": 3.5}, {})
    assert (oldest.apply_id, oldest.outcome, oldest.plan) == ("a1", None, {"add": 2})
    assert [r.outcome for r in oldest.results] == ["done", "done"]
    assert oldest.started < newest.started < newest.ended


def test_stacks_do_not_mix_and_an_unused_one_is_empty() -> None:
    store = MemoryStore()
    killed_apply(store)
    assert open_intents(store, "other") == ()
    assert history(store, "other") == ()


def test_blob_names_sort_by_time_and_every_line_has_the_format() -> None:
    store = MemoryStore()
    for apply_id in ("zz", "aa", "mm"):
        killed_apply(store, apply_id)
    names = list(store.blobs)
    assert names == sorted(names)
    assert [n.rpartition("-")[2] for n in names] == ["zz.jsonl", "aa.jsonl", "mm.jsonl"]
    lines = [json.loads(line) for line in store.blobs[names[0]].splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4]
    assert {line["format_version"] for line in lines} == {FORMAT_VERSION}
    assert len(history(store, "demo", limit=2)) == 2


@settings(max_examples=80)
@given(st.integers(0, 2000))
def test_whatever_is_torn_off_the_end_nothing_that_is_whole_is_lost(cut: int) -> None:
    store = MemoryStore()
    name = killed_apply(store).blob
    content = store.blobs[name]
    store.blobs[name] = content[: min(cut, len(content))]
    ends = [i for i, byte in enumerate(content) if byte == ord("\n")]
    whole = sum(len(store.blobs[name]) >= end for end in ends)  # a line may do without its line break
    records = history(store, "demo")
    assert len(records) == (1 if whole else 0)
    if whole >= 3:
        assert [r.intent.address for r in records[0].results] == ["data.train"]
    assert [i.address for i in open_intents(store, "demo")] == (
        ["data.train"] if whole == 2 else ["job.finetune"] if whole >= 4 else []
    )


def test_unknown_keys_events_and_repeated_lines_are_passed_over() -> None:
    store = MemoryStore()
    name = killed_apply(store).blob
    extra = [
        {"format_version": 9, "apply": "a1", "seq": 5, "event": "dreamt", "of": 3},
        {"apply": "a1", "seq": 5, "event": "result", "of": 3, "outcome": "done"},
        {"apply": "a1", "seq": 6, "event": "result", "of": {"apply": "gone", "seq": 1}, "outcome": "done"},
        {"nothing": True},
        [1],
    ]
    store.blobs[name] += b"".join(json.dumps(line).encode() + b"\n" for line in extra)
    store.blobs[name] += b"".join(store.blobs[name].splitlines(keepends=True)[1:4])
    assert [i.address for i in open_intents(store, "demo")] == ["job.finetune"]
    assert len(history(store, "demo")[0].results) == 1


def test_secrets_and_long_texts_do_not_enter() -> None:
    store = MemoryStore()
    journal = Journal(store, "demo", "a1", CLOCK)
    journal.begin({"primaryKey": "hush", "nested": [{"client_secret": "hush", "sasToken": "hush"}], "num_tokens": 1})
    journal.intent("endpoint.main", Verb.CREATE, "e", {"text": "x" * 5000})
    content = store.blobs[journal.blob].decode()
    assert "hush" not in content
    assert len(content) < 2500
