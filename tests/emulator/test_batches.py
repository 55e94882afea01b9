"""Rows that share a line of a batch: laid out without loss, learned as padded ones are, and tried first."""

import subprocess
import sys
import types

import numpy as np
import pytest

from phift.emulator.runtime.training.steps.batches import PackingCollator, PaddingCollator, can_pack
from phift.emulator.runtime.training.steps.encoding import IGNORED

pytestmark = pytest.mark.slow  # they import torch

PAD = 99


def row(*ids):
    tokens = np.array(ids, dtype=np.int64)
    return {"input_ids": tokens, "labels": tokens}


ROWS = [row(1, 2), row(3, 4, 5, 6, 7), row(8, 9), row(10, 11, 12, 13)]


def test_short_rows_share_a_line_and_begin_at_position_0():
    batch = {name: tensor.tolist() for name, tensor in PackingCollator(PAD)(ROWS).items()}
    assert batch["input_ids"] == [[3, 4, 5, 6, 7], [10, 11, 12, 13, PAD], [1, 2, 8, 9, PAD]]
    assert batch["position_ids"] == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 0], [0, 1, 0, 1, 0]]
    assert batch["labels"] == [
        [IGNORED, 4, 5, 6, 7], [IGNORED, 11, 12, 13, IGNORED], [IGNORED, 2, IGNORED, 9, IGNORED],
    ]  # fmt: skip
    assert batch["tokens"] == 13


class Fake:
    """Of each place the sum of the tokens that it sees: those of its row, or of the whole line."""

    training = True

    def __init__(self, apart):
        self.apart = apart

    def eval(self):
        self.training = False

    def train(self, mode):
        self.training = mode

    def __call__(self, input_ids, labels, position_ids=None, attention_mask=None):
        import torch

        seen = torch.zeros(input_ids.shape)
        for line, ids in enumerate(input_ids.tolist()):
            total = 0
            for at, token in enumerate(ids):
                begins = position_ids is not None and self.apart and position_ids[line, at] == 0
                total = token if begins else total + token
                seen[line, at] = total
        used = labels != IGNORED
        used[:, 0] = False
        return types.SimpleNamespace(loss=seen[used].mean(), logits=seen[..., None])


@pytest.mark.parametrize(("apart", "rows", "packs"), [
    (True, ROWS, True),
    (False, ROWS, False),
    (True, [row(1, 2, 3), row(4, 5, 6)], False),  # no two fit into a line
    (True, [row(1, 2)], False),
])  # fmt: skip
def test_rows_are_packed_for_a_model_that_keeps_them_apart(apart, rows, packs):
    model = Fake(apart)
    assert can_pack(model, rows, PAD) is packs
    assert model.training


def test_the_stand_in_learns_the_same_from_packed_rows():
    """Loss and gradients of one batch, by the shipped weights."""
    script = """
import numpy as np, torch
from transformers import AutoModelForCausalLM
from phift.emulator.runtime.foundation import WEIGHTS
from phift.emulator.runtime.training.steps.batches import PackingCollator, PaddingCollator, can_pack
model = AutoModelForCausalLM.from_pretrained(WEIGHTS)
model.config.use_cache = False  # as in training: rows that a cache may follow are not kept apart
draw = np.random.default_rng(0)
ids = [draw.integers(1, 800, length) for length in (40, 12, 9, 31, 3, 17, 22, 5)]
rows = [{"input_ids": each, "labels": each} for each in ids]
assert can_pack(model, rows, 0)
found = []
for collate in (PaddingCollator(0), PackingCollator(0)):
    batch = collate(rows)
    batch.pop("tokens", None)
    model.zero_grad()
    loss = model(**batch).loss
    loss.backward()
    found.append((loss.detach(), [each.grad.clone() for each in model.parameters()]))
assert len(batch["input_ids"]) < len(rows)
torch.testing.assert_close(found[0], found[1], rtol=1e-3, atol=1e-6)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_padded_rows_have_a_line_each():
    batch = {name: tensor.tolist() for name, tensor in PaddingCollator(PAD, 5)(ROWS[:2]).items()}
    assert batch["input_ids"] == [[1, 2, PAD, PAD, PAD], [3, 4, 5, 6, 7]]
    assert batch["attention_mask"] == [[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]
