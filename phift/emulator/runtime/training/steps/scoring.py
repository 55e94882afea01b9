"""How good the predicted tokens of held-out answers are."""

from __future__ import annotations

from collections import Counter
from typing import Any

from phift.emulator.runtime.training.steps.encoding import IGNORED

__all__ = ["best_tokens", "exact_and_f1"]


def best_tokens(logits: Any, labels: Any) -> Any:
    """The likeliest token at each place, so that an evaluation need not keep whole distributions."""
    if isinstance(logits, tuple):
        logits = logits[0]
    return logits.argmax(dim=-1)


def exact_and_f1(prediction: Any) -> dict[str, float]:
    """Two numbers between 0 and 1 over the conversations of a transformers EvalPrediction of `best_tokens`.

    exact: the share of conversations of which every token of every answer was the likeliest one, given what came
    before; for one turn that is the share of answers that greedy decoding gives word for word.
    f1: the mean overlap of predicted and true answer tokens, whatever their order.
    """
    exact, overlap = 0, 0.0
    rows = list(zip(prediction.predictions[:, :-1], prediction.label_ids[:, 1:], strict=True))
    for predicted, label in rows:
        asked = label != IGNORED
        got, wanted = predicted[asked], label[asked]
        exact += bool((got == wanted).all())
        common = (Counter(got.tolist()) & Counter(wanted.tolist())).total()
        overlap += common / max(1, len(wanted))  # as many are predicted as wanted: precision = recall = F1
    return {"exact": exact / len(rows), "f1": overlap / len(rows)}
