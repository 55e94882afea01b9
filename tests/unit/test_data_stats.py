"""Measures of prepared rows, and tokens with and without a tokenizer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from phift.data.messages import encoded
from phift.data.stats import Measures, Meter, Spread, overlap
from phift.data.tokens import ESTIMATE, TokenCounter, token_counter
from phift.emulator.runtime.foundation import WEIGHTS

QUARTERS = TokenCounter(ESTIMATE, lambda texts: sum(map(len, texts)) // 4)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf" / "hub"


def line(*texts: str, system: str = "", id: str | None = None) -> bytes:
    said = [{"role": "system", "content": system}] if system else []
    said += [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]
    return encoded({"messages": said, "prompt_id": id})


def measured(*lines: bytes, limit: int | None = None) -> Measures:
    meter = Meter(QUARTERS, limit)
    for one in lines:
        meter.add(one)
    return meter.measures()


def test_spread() -> None:
    assert Spread.of([]) == Spread()
    assert Spread.of([7]) == Spread(7, 7, 7, 7, 7)
    assert Spread.of(range(1, 101)) == Spread(1, 50, 95, 100, 5050)
    assert Spread.of([3, 1, 2, 9]) == Spread(1, 2, 9, 9, 15)


def test_rows_are_counted() -> None:
    found = measured(
        line("aaaa", "bbbb"), line("aaaa", "bbbb", id="another"), line("x", "y", "z", "w", system="s" * 40), limit=5
    )
    assert found.rows == 3
    assert found.turns == Spread(2, 2, 4, 4, 8)
    assert found.characters.max == 44
    assert (found.tokens.min, found.tokens.max, found.cut) == (2, 11, 1)
    assert found.duplicates == 1  # whatever its prompt_id
    assert found.counted_by == ESTIMATE


def test_without_a_limit_nothing_is_known_to_be_cut() -> None:
    assert measured(line("a", "b")).cut is None


def test_personal_data_is_counted_by_row() -> None:
    found = measured(line("a@b.example c@d.example", "e@f.example"), line("none", "here"))
    assert found.personal == {"email": 1}


def test_overlap_is_of_prompts_whatever_their_white_space() -> None:
    train = measured(line("How are  you?", "Fine."), line("Who?", "I."))
    test = measured(line(" How are you?\n", "Well."), line("How are you?", "So so."), line("Where?", "Here."))
    assert overlap(train, test) == 2
    assert overlap(test, train) == 1


def test_nothing_of_a_text_is_kept() -> None:
    assert "secret" not in repr(measured(line("secret question", "secret answer")))


def test_tokens_are_estimated_where_there_is_no_tokenizer() -> None:
    counter = token_counter("Phi-3-mini-4k-instruct")
    assert counter.name == ESTIMATE
    assert counter.count(["12345", "678"]) == 2
    assert counter.count(["123456789"]) == 3
    assert token_counter("").name == ESTIMATE


@pytest.mark.parametrize("model", ["Phi-3-mini-4k-instruct", "microsoft-phi-3-mini-4k-instruct"])
def test_the_tokenizer_of_the_model_counts(cache: Path, model: str) -> None:
    pytest.importorskip("tokenizers")
    folder = cache / "models--microsoft--Phi-3-mini-4k-instruct" / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    shutil.copy(WEIGHTS / "tokenizer.json", folder)
    (cache / "models--other--Phi-4" / "snapshots" / "b").mkdir(parents=True)
    counter = token_counter(model)
    assert counter.name == "microsoft/Phi-3-mini-4k-instruct"
    assert counter.count(["What is the capital of France?", "Paris"]) > 5
    assert token_counter("Phi-4").name == ESTIMATE


def test_a_broken_tokenizer_is_passed_over(cache: Path) -> None:
    folder = cache / "models--microsoft--Phi-4" / "snapshots" / "a"
    folder.mkdir(parents=True)
    (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0"}))
    assert token_counter("Phi-4").name == ESTIMATE
