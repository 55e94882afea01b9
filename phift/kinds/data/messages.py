"""`data.messages`: how the columns of a row become chat messages."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from phift.spec.base import Before, Meanings, Strict, fault

__all__ = ["PRESETS", "MessagesByRole", "MessagesByTurns", "MessagesField"]

PRESETS = (
    "ultrachat",
    "openai",
    "sharegpt",
    "alpaca",
    "dolly",
    "prompt_completion",
    "question_answer",
    "chosen",
)
"""Shapes of published data sets (phift/data/presets.yaml)."""


_PRESETS = {
    "auto": "Find out from the columns of the first rows.",
    "ultrachat": "A column `messages` of {role, content}, with further columns.",
    "openai": "A column `messages` of {role, content}, the chat format of OpenAI.",
    "sharegpt": "A column `conversations` of {from, value}.",
    "alpaca": "Columns `instruction`, `input` and `output`.",
    "dolly": "Columns `instruction`, `context` and `response`.",
    "prompt_completion": "Columns `prompt` and `completion`.",
    "question_answer": "Columns `question` and `answer`.",
    "chosen": "The column `chosen` of preference data.",
}
_Role = Annotated[
    Literal["system", "user", "assistant"],
    Meanings(
        system="Instructions that precede the conversation.",
        user="What is asked.",
        assistant="The answer, which the model learns.",
    ),
]


class SystemPrompt(Strict):
    """A system message for rows that have none: the same for all, or from a column."""

    text: Annotated[str | None, Field(min_length=1, description="Text used for every row.")] = None
    column: Annotated[str | None, Field(min_length=1, description="Column that contains it.")] = None

    @model_validator(mode="after")
    def _one(self) -> "SystemPrompt":
        if (self.text is None) == (self.column is None):
            raise fault("requires either `text` or `column`")
        return self


class MessagesByTurns(Strict):
    """A column that holds a list of messages under other names."""

    turns: Annotated[
        str, Field(min_length=1, description="Column with the conversation: a list of objects, or a list as JSON text.")
    ]
    role: Annotated[str, Field(min_length=1, description="Key of the role of a message.")] = "role"
    content: Annotated[str, Field(min_length=1, description="Key of the text of a message.")] = "content"
    roles: Annotated[
        dict[str, _Role],
        Field(description="Role of the data: role of the chat format."),
    ] = Field(default_factory=dict)
    other_roles: Annotated[
        Literal["refuse", "skip_row"],
        Field(description="How to treat rows with a role that `roles` does not list."),
        Meanings(refuse="Report the row as malformed.", skip_row="Skip the row."),
    ] = "refuse"
    keys: Annotated[
        Literal["refuse", "drop"],
        Field(description="How to treat further keys of a message."),
        Meanings(refuse="Report the row as malformed.", drop="Drop the keys."),
    ] = "refuse"
    last_turn: Annotated[
        Literal["refuse", "drop"],
        Field(description="How to treat a final user message without an answer."),
        Meanings(refuse="Report the row as malformed.", drop="Drop the message."),
    ] = "refuse"
    system: Annotated[SystemPrompt | None, Field(description="System message for rows without one.")] = None


class MessagesByRole(Strict):
    """A Jinja template for each role, over the columns of the row."""

    system: Annotated[
        str | None, Field(description="Template of the system message; omitted from rows where it is empty.")
    ] = None
    user: Annotated[str, Field(min_length=1, description='Template, such as "{{ question }}".')]
    assistant: Annotated[str, Field(min_length=1, description='Template, such as "{{ answer }}".')]


def _shape(value: Any) -> str:
    if isinstance(value, str):
        return "<preset>"
    if isinstance(value, MessagesByTurns) or (isinstance(value, dict) and "turns" in value):
        return "<turns>"
    return "<roles>"


def _preset(value: Any) -> Any:
    if value in ("auto", *PRESETS):
        return value
    raise fault(f"has an unknown preset {value!r}", f"Presets: auto, {', '.join(PRESETS)}; or write a mapping.")


MessagesField = Annotated[
    Annotated[Literal["auto", *PRESETS], Before(_preset), Meanings(**_PRESETS), Tag("<preset>")]  # type: ignore[valid-type]
    | Annotated[MessagesByTurns, Tag("<turns>")]
    | Annotated[MessagesByRole, Tag("<roles>")],
    Discriminator(_shape),
]
