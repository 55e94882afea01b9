"""Step 4: the fine-tune, full or with LoRA, by Hugging Face's Trainer."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phift.emulator.runtime.training.steps.base import base_model
from phift.emulator.runtime.training.steps.batches import PackingCollator, PaddingCollator, can_pack
from phift.emulator.runtime.training.steps.classes import ClassCollator, load_examples, names_in, score_classes
from phift.emulator.runtime.training.steps.context import StepContext, StepError, Task
from phift.emulator.runtime.training.steps.encoding import load
from phift.emulator.runtime.training.steps.scoring import best_tokens, exact_and_f1
from phift.emulator.runtime.training.steps.settings import MEASURES, training_arguments

__all__ = ["run"]

# Parameters. Below, one thread: a second saves a third of the time on an idle machine and costs seven times as much on
# a busy one, where the threads wait for each other at every operation; and the result is the same on every machine.
SMALL = 10_000_000
PROGRESS_SECONDS = 2.0  # a line at least this often, even when nothing is logged


def run(context: StepContext) -> None:
    """Train on the preprocessed rows; evaluate before, as often as asked, and after; write pytorch_model_folder.

    Raises StepError when a loss is not a number or the memory does not suffice.
    """
    import torch
    from transformers import AutoTokenizer, PrinterCallback, TrainingArguments, set_seed

    parameters = context.parameters
    source, out = context.work("model"), context.output("pytorch_model_folder")
    classifies = context.task is Task.CLASS
    splits = {name: (load_examples if classifies else load)(path) for name, path in _splits(context).items()}
    evaluated = "validation" if "validation" in splits else "test"
    evaluates, selects = evaluated in splits, "validation" in splits or parameters.flag("apply_early_stopping")
    if parameters.flag("apply_early_stopping") and not evaluates:
        raise StepError("apply_early_stopping needs a validation or a test split")
    cuda = torch.cuda.is_available()
    tokenizer = AutoTokenizer.from_pretrained(source)
    arguments = training_arguments(
        parameters, out, rows=len(splits["train"]), evaluates=evaluates, selects=evaluates and selects, cuda=cuda
    )
    pad_to, pad_token = _pad_to(context), tokenizer.pad_token_id or 0
    set_seed(parameters.integer("seed"))  # before the first random weights are drawn
    model = base_model(context, source, pad_token, names_in(context.work("preprocessed")) if classifies else ())
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(1 if model.num_parameters() < SMALL else threads)
    context.log(f"training on {'GPU' if cuda else f'CPU, {torch.get_num_threads()} threads'}; arguments: {arguments}")
    packs = not classifies and not pad_to and can_pack(model, splits["train"], pad_token)
    if packs:
        arguments["include_num_input_tokens_seen"] = "no"  # it would count padding, for want of an attention mask
        context.log("short rows share a line of the batch; the losses are those of padded rows")
    trainer = _trainer_class(PackingCollator(pad_token) if packs else None)(
        model=model,
        args=TrainingArguments(**arguments),
        train_dataset=splits["train"],
        eval_dataset=splits.get(evaluated),
        data_collator=(ClassCollator if classifies else PaddingCollator)(pad_token, pad_to),
        compute_metrics=score_classes if classifies else exact_and_f1,
        preprocess_logits_for_metrics=best_tokens,
        callbacks=_callbacks(context),
    )
    trainer.remove_callback(PrinterCallback)  # it prints; Report tells the same
    try:
        if evaluates:
            context.log(f"evaluating on the {evaluated} split before training")
            trainer.evaluate()
        result = trainer.train(resume_from_checkpoint=_checkpoint(context, out))
        if evaluates and (trainer.args.load_best_model_at_end or not _just_evaluated(trainer)):
            trainer.evaluate()
        if evaluated == "validation" and "test" in splits:
            context.log("evaluating on the test split after training")
            trainer.evaluate(splits["test"], metric_key_prefix="test")
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise StepError("not enough memory: lower per_device_train_batch_size or max_seq_length") from error
    done = {"train_loss": result.training_loss, "train_runtime": result.metrics["train_runtime"]}
    if best := trainer.state.best_metric:
        context.log(f"best {trainer.args.metric_for_best_model}: {best:.4f} in {trainer.state.best_model_checkpoint}")
    context.metrics(trainer.state.global_step, done)
    context.log(f"trained {trainer.state.global_step} steps in {done['train_runtime']:.1f}s")
    _save(context, trainer.model, tokenizer, out)


def _splits(context: StepContext) -> dict[str, Path]:
    return {path.stem: path for path in sorted(context.work("preprocessed").glob("*.npz"))}


def _pad_to(context: StepContext) -> int:
    import json

    facts = json.loads((context.work("preprocessed") / "preprocess.json").read_text(encoding="utf-8"))
    return int(facts["pad_to"])


def _checkpoint(context: StepContext, out: Path) -> str | None:
    """The newest checkpoint to resume from: of an earlier attempt of this job, or in the folder given as base model."""
    from transformers.trainer_utils import get_last_checkpoint

    if not context.parameters.flag("resume_from_checkpoint"):
        return None
    for folder in (out, context.inputs.get("pytorch_model_path")):
        if folder and (found := get_last_checkpoint(str(folder))):
            context.log(f"resuming from {Path(found).name}")
            return str(found)
    context.log("resume_from_checkpoint: no checkpoint found; training starts at step 0")
    return None


def _just_evaluated(trainer: Any) -> bool:
    history = trainer.state.log_history
    return any("eval_loss" in entry and entry["step"] == trainer.state.global_step for entry in history)


def _save(context: StepContext, model: Any, tokenizer: Any, out: Path) -> None:
    if context.parameters.flag("apply_lora"):
        if not context.parameters.flag("merge_lora_weights"):
            model.save_pretrained(out / "lora_adapter")
            context.log("merge_lora_weights is false: the adapter is kept in lora_adapter/, next to the merged model")
        model = model.merge_and_unload()
    model.config.use_cache = True
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def _trainer_class(packing: PackingCollator | None) -> Any:
    """The Trainer; with `packing` it trains on packed rows. Evaluations are of padded rows, one a line."""
    from transformers import Trainer

    class PackingTrainer(Trainer):  # type: ignore[misc]
        def get_train_dataloader(self) -> Any:
            padding: Any = self.data_collator
            self.data_collator: Any = packing
            try:
                return super().get_train_dataloader()
            finally:
                self.data_collator = padding

        def training_step(self, model: Any, inputs: dict[str, Any], *rest: Any, **options: Any) -> Any:
            self.state.num_input_tokens_seen += int(inputs.pop("tokens"))
            return super().training_step(model, inputs, *rest, **options)

    return PackingTrainer if packing else Trainer


def _callbacks(context: StepContext) -> list[Any]:
    from transformers import EarlyStoppingCallback, TrainerCallback

    class Report(TrainerCallback):  # type: ignore[misc]
        """Turns what the Trainer logs into metrics and progress lines."""

        def __init__(self) -> None:
            self.loss: float | None = None
            self.rate = 0.0
            self.tokens, self.since, self.said = 0, time.monotonic(), time.monotonic()

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.since = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if time.monotonic() - self.said >= PROGRESS_SECONDS:
                self.say(state)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
            if "loss" not in logs:
                return
            now = time.monotonic()
            seen, spent = state.num_input_tokens_seen - self.tokens, now - self.since
            self.tokens, self.since = state.num_input_tokens_seen, now
            values: dict[str, float] = {
                k: float(logs[k]) for k in ("loss", "grad_norm", "learning_rate", "epoch") if k in logs
            }
            values["tokens_per_second"] = seen / max(spent, 1e-9)
            self.loss, self.rate = values["loss"], values.get("learning_rate", self.rate)
            context.metrics(state.global_step, values)
            self.say(state)
            if values["loss"] != values["loss"] or values.get("grad_norm", 0.0) == float("inf"):
                raise StepError(f"the loss is not a number at step {state.global_step}: lower learning_rate")

        def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
            kept = {k: float(v) for k, v in metrics.items() if k.partition("_")[2] in MEASURES}
            context.metrics(state.global_step, kept)
            context.log(f"evaluation at step {state.global_step}: {_shown(kept)}")
            self.since = time.monotonic()  # evaluations are not counted in tokens per second

        def say(self, state: Any) -> None:
            self.said = time.monotonic()
            context.progress(state.global_step, state.max_steps, self.loss, self.rate)

    callbacks: list[Any] = [Report()]
    parameters = context.parameters
    if parameters.flag("apply_early_stopping"):
        patience = parameters.integer("early_stopping_patience")
        callbacks.append(EarlyStoppingCallback(patience, parameters.number("early_stopping_threshold")))
    return callbacks


def _shown(values: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.4f}" for name, value in values.items())
