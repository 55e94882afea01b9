"""The steps of the pipelines that are trained here, in the order they run."""

from collections.abc import Callable

from phift.emulator.runtime.training.steps.context import StepContext

__all__ = ["PIPELINES", "step_function"]

# component -> (step, the module that does it)
PIPELINES: dict[str, tuple[tuple[str, str], ...]] = {
    "chat_completion_pipeline": (
        ("ft_nlp_common_validation", "validation"),
        ("chat_completion_model_import", "model_import"),
        ("chat_completion_datapreprocess", "preprocess"),
        ("chat_completion_finetune", "finetune"),
        ("ft_nlp_model_converter", "convert"),
    ),
    "text_generation_pipeline": (
        ("ft_nlp_common_validation", "validation"),
        ("text_generation_model_import", "model_import"),
        ("text_generation_datapreprocess", "preprocess"),
        ("text_generation_finetune", "finetune"),
        ("ft_nlp_model_converter", "convert"),
    ),
    "text_classification_pipeline": (
        ("ft_nlp_common_validation", "validation"),
        ("text_classification_model_import", "model_import"),
        ("text_classification_datapreprocess", "preprocess"),
        ("text_classification_finetune", "finetune"),
        ("ft_nlp_model_converter", "convert"),
    ),
}


def step_function(module: str) -> Callable[[StepContext], None]:
    """The function that does a step, imported when it is needed: torch is heavy. Raises LookupError for a module that
    PIPELINES does not name."""
    match module:
        case "validation":
            from phift.emulator.runtime.training.steps.validation import run
        case "model_import":
            from phift.emulator.runtime.training.steps.model_import import run
        case "preprocess":
            from phift.emulator.runtime.training.steps.preprocess import run
        case "finetune":
            from phift.emulator.runtime.training.steps.finetune import run
        case "convert":
            from phift.emulator.runtime.training.steps.convert import run
        case _:
            raise LookupError(f"no step is done by {module}")
    return run
