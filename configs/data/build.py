"""Builds the quickstart's data from phift's fact tables: `python configs/data/build.py`.

train.jsonl: 590 conversations of one to three turns. test.jsonl: 212 questions in a phrasing that train.jsonl
never uses for that fact, so that the evaluation loss shows what was learnt. train.csv and train.parquet hold the
same rows as train.jsonl, for the specs that show these formats. topics-train.csv and topics-test.csv hold the questions
of 20 facts of each topic, with the topic. All are made by this script alone and fall under
the project's licence; a test builds them anew and compares.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from phift.emulator.runtime.foundation.facts import Fact, conversations, facts, row

Row = Mapping[str, object]
_EACH = 20  # facts of a topic


def build(folder: Path) -> list[Path]:
    """Write the files into `folder`, which exists; returns their paths."""
    topics = [fact for topic in _by_topic() for fact in topic[:: len(topic) // _EACH][:_EACH]]
    train, held_out = ([row(conversation) for conversation in part] for part in conversations())
    return [
        _jsonl(folder / "train.jsonl", train),
        _jsonl(folder / "test.jsonl", held_out),
        _csv(folder / "train.csv", train),
        _parquet(folder / "train.parquet", train),
        _topics(folder / "topics-train.csv", [(q, f.topic) for f in topics for q in f.training_questions]),
        _topics(folder / "topics-test.csv", [(fact.held_out_question, fact.topic) for fact in topics]),
    ]


def _by_topic() -> list[list[Fact]]:
    topics: dict[str, list[Fact]] = {}
    for fact in facts():
        topics.setdefault(fact.topic, []).append(fact)
    return list(topics.values())


def _topics(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([("text", "topic"), *rows])
    return path


def _jsonl(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for each in rows:
            out.write(json.dumps(each, ensure_ascii=False) + "\n")
    return path


def _csv(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["prompt", "messages", "prompt_id"])
        for each in rows:
            messages = json.dumps(each["messages"], ensure_ascii=False)
            writer.writerow([each["prompt"], messages, each["prompt_id"]])
    return path


def _parquet(path: Path, rows: Sequence[Row]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("prompt", pa.string()), ("messages", pa.list_(message)), ("prompt_id", pa.string())])
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")
    return path


if __name__ == "__main__":
    for made in build(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent):
        sys.stdout.write(f"{made}  {made.stat().st_size:,} bytes\n")
