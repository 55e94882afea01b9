"""A language model folder, loaded and asked. Runs in inference servers only: it imports torch and transformers."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phift.emulator.runtime.serving.contract import MAX_NEW_TOKENS, BadRequest, Question, read_question
from phift.emulator.runtime.serving.folders import ModelFolderError, find_model
from phift.emulator.runtime.training.steps.encoding import escape_controls
from phift.emulator.runtime.training.steps.finetune import SMALL

__all__ = ["LanguageModel", "import_libraries"]

logger = logging.getLogger("phift.serving")

_PASSED_ON = ("max_new_tokens", "min_new_tokens", "num_beams", "repetition_penalty")
_SAMPLING = ("temperature", "top_k", "top_p")


def import_libraries(folder: Path) -> None:
    """Import what every worker needs for the model of a folder. Done in their parent, all share the pages and start
    in a moment; no torch operation may run there before the fork, or its thread pool hangs in the children."""
    from transformers import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
        AutoConfig,
        AutoTokenizer,
    )

    try:
        place = find_model(folder)
        config = AutoConfig.from_pretrained(place.weights)
        mapping = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING if place.classifies else MODEL_FOR_CAUSAL_LM_MAPPING
        _ = AutoTokenizer, mapping[type(config)]
    except (ModelFolderError, OSError, ValueError, KeyError) as error:
        # the worker meets the same and ends with it, in the server's own way
        logger.warning("cannot prepare for the model: %s", error)


@dataclass
class LanguageModel:
    """A causal language model with its tokenizer.

    chat: it takes conversations, else texts. room: the most tokens question and answer may have together.
    """

    model: Any
    tokenizer: Any
    chat: bool
    room: int

    @classmethod
    def load(cls, folder: Path) -> LanguageModel:
        """The model of an AZUREML_MODEL_DIR. Raises ModelFolderError for a folder that holds none, OSError or
        ValueError where transformers cannot read what is there."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        place = find_model(folder)
        tokenizer = AutoTokenizer.from_pretrained(place.tokenizer, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(place.weights, dtype=torch.float32)
        model.eval()
        # a small model decodes fastest on one thread; more instances use more cores
        torch.set_num_threads(1 if model.num_parameters() < SMALL else int(os.environ.get("PHIFT_THREADS", "1")))
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        chat = bool(tokenizer.chat_template) if place.chat is None else place.chat
        if chat and not tokenizer.chat_template:
            raise ValueError(f"{place.tokenizer}: a chat model, but its tokenizer has no chat template")
        limit = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
        return cls(model, tokenizer, chat, int(limit))

    def answer(self, question: Question) -> Any:
        """The contract's answer; raises BadRequest for a question that does not fit into the model."""
        import torch

        prompts = [self._prompt(each) for each in question.inputs]
        encoded = self.tokenizer(
            prompts, return_tensors="pt", padding=True, add_special_tokens=not self.chat, return_token_type_ids=False
        )
        length = int(encoded["input_ids"].shape[1])
        if length >= self.room:
            raise BadRequest(
                "input_data.input_string", f"is {length} tokens long; the model takes fewer than {self.room}"
            )
        options = self._options(question.parameters, self.room - length)
        with torch.inference_mode():
            tokens = self.model.generate(**encoded, pad_token_id=self.tokenizer.pad_token_id, **options)
        texts = [text.strip() if self.chat else text for text in self._decode(tokens[:, length:])]
        if question.parameters.get("return_full_text"):
            texts = [(self._plain(asked) + text) for asked, text in zip(question.inputs, texts, strict=True)]
        return question.answer(texts)

    def respond(self, body: bytes) -> Any:
        """The answer to a request's body; raises BadRequest."""
        return self.answer(read_question(body, chat=self.chat))

    def warm_up(self) -> None:
        """One full-length answer: the first one is ten times as slow as the rest."""
        question: Any = [{"role": "user", "content": "Hello"}] if self.chat else "Hello"
        self.answer(Question([question], True, {"max_new_tokens": 16, "min_new_tokens": 16, "do_sample": True}))

    def _prompt(self, asked: Any) -> str:
        """As the model is to read it. Control tokens in someone's text are broken, as in training."""
        controls = [token for token in self.tokenizer.all_special_tokens if len(token) > 2]
        if not self.chat:
            return str(escape_controls([{"role": "", "content": asked}], controls)[0][0]["content"])
        messages, _ = escape_controls(asked, controls)
        try:
            return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        except Exception as error:
            raise BadRequest("input_data.input_string", f"the model's chat template refuses it: {error}") from error

    def _plain(self, asked: Any) -> str:
        return "".join(f"{message['content']}\n" for message in asked) if self.chat else str(asked)

    def _decode(self, tokens: Any) -> list[str]:
        return list(self.tokenizer.batch_decode(tokens, skip_special_tokens=True))

    def _options(self, given: dict[str, Any], room: int) -> dict[str, Any]:
        """Greedy unless do_sample is true; a temperature of 0 is greedy too, as everyone means it."""
        options = {name: given[name] for name in _PASSED_ON if name in given}
        options["max_new_tokens"] = min(given.get("max_new_tokens", MAX_NEW_TOKENS), room)
        sample = bool(given.get("do_sample", False)) and given.get("temperature", 1.0) > 0
        options["do_sample"] = sample
        if sample:
            options |= {name: given[name] for name in _SAMPLING if name in given}
        return options
