"""Conversations and texts as files: JSON lines, a JSON array, or an MLTable over either."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from phift.emulator.runtime.training.steps.context import StepError

__all__ = ["read_rows", "read_texts", "rows_of", "split_path"]

_ROLES = ("system", "user", "assistant")


def split_path(split: str, inputs: dict[str, Path]) -> Path | None:
    """The file or table given for a split (train, validation, test), or None."""
    return inputs.get(f"{split}_file_path") or inputs.get(f"{split}_mltable_path")


def read_rows(path: Path) -> Iterator[list[dict[str, str]]]:
    """The conversations of a split in order, each checked; raises StepError naming file, row and what is wrong."""
    for row, place in rows_of(path):
        yield _messages(row, place)


def read_texts(path: Path, text_key: str, truth_key: str) -> Iterator[str]:
    """The texts of a split in order: of each row the text, and after it the truth where there is a key for it.

    Raises StepError naming file, row and what is wrong.
    """
    for row, place in rows_of(path):
        asked = [key for key in (text_key, truth_key) if key]
        parts = [row[key] for key in asked if isinstance(row, dict) and isinstance(row.get(key), str)]
        if len(parts) < len(asked):
            keys = " and ".join(f'"{key}"' for key in asked)
            raise StepError(f"{place}: a row needs {keys} with text")
        if not (text := "".join(parts)):
            raise StepError(f"{place}: no text, so there is nothing to learn")
        yield text


def rows_of(path: Path) -> Iterator[tuple[Any, str]]:
    """The rows of a split as JSON has them, each with its place for messages; raises StepError."""
    found = False
    for file in _files(path):
        for number, row in _records(file):
            found = True
            yield row, f"{file.name}, row {number}"
    if not found:
        raise StepError(f"{path.name} does not contain a row")


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    table = path / "MLTable"
    if not table.is_file():
        files = sorted(p for p in path.rglob("*") if p.suffix in (".jsonl", ".json"))
        if not files:
            raise StepError(f"{path.name} is a folder without an MLTable, a .jsonl or a .json file")
        return files
    try:
        entries = yaml.safe_load(table.read_text(encoding="utf-8"))["paths"]
        patterns = [str(entry.get("file") or entry["pattern"]) for entry in entries]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise StepError(f"{path.name}/MLTable has no readable list of paths") from error
    files = []
    for pattern in patterns:
        matched = sorted(path.glob(pattern.removeprefix("./")))
        if not matched:
            raise StepError(f"{path.name}/MLTable names {pattern}, which is not there")
        files += matched
    return files


def _records(file: Path) -> Iterator[tuple[int, Any]]:
    with file.open(encoding="utf-8") as stream:
        try:
            if stream.read(1) == "[":
                stream.seek(0)
                yield from enumerate(json.load(stream), start=1)
                return
            stream.seek(0)
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, json.loads(line)
        except json.JSONDecodeError as error:
            raise StepError(f"{file.name} is not JSON lines: {error.msg}, line {error.lineno}") from error
        except UnicodeDecodeError as error:
            raise StepError(f"{file.name} is not UTF-8 text") from error


def _messages(row: Any, place: str) -> list[dict[str, str]]:
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list) or not messages:
        raise StepError(f'{place}: a row needs "messages", a list of {{"role", "content"}}')
    kept = []
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise StepError(f'{place}: every message needs a "content" that is text')
        if message.get("role") not in _ROLES:
            raise StepError(f"{place}: the role is {message.get('role')!r}; known are {', '.join(_ROLES)}")
        kept.append({"role": message["role"], "content": message["content"]})
    if not any(message["role"] == "assistant" for message in kept):
        raise StepError(f"{place}: no message of the assistant, so there is nothing to learn")
    return kept
