"""Rows of the ultrachat schema: `prompt`, `messages` (a list of {role, content}), `prompt_id`.

A conversation has an optional system message, then alternating user and assistant messages, and ends with the
assistant: the fine-tune component learns from the assistant's messages, so other shapes would train something else.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson

from phift.data.problems import Problem, named
from phift.lazy import lazy_pattern

__all__ = ["NO_TOOLS", "ROLES", "TOOLS", "control_of", "encoded", "kind_of", "oddities_of", "problems_of", "shown_role"]

ROLES = ("system", "user", "assistant")
_COMMON = {
    *ROLES,
    *("ai", "bot", "chatbot", "chatgpt", "context", "developer", "function", "gpt", "human", "input", "instruction"),
    *("model", "observation", "output", "prompt", "prompter", "question", "answer", "response", "tool", "users"),
}
"""Roles of other formats, which error messages may quote: any other text is content of the data."""

_ASKING = ("context", "human", "input", "instruction", "prompt", "prompter", "question", "users")
_NAMES = (("from", "value"), ("from", "content"), ("role", "value"), ("role", "text"), ("speaker", "text"))
"""Keys of role and text of a message in other formats."""

TOOLS = ("tool_calls", "function_call", "tool_call_id")
NO_TOOLS = "phift does not train on tool calls"
_LEAVE_OUT = "Drop such rows, for example with `data.unfit: {skip: 5%}`."

_SHAPE = 'Write a list of {"role": ..., "content": ...}.'
_ORDER = "Expected order: system (optional, once), then alternating user and assistant, ending with assistant."

_INVISIBLE = " \t\r\n\xa0\xad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"
"""White space and zero-width characters: an answer of only these trains the model to say nothing."""

_CONTROL = lazy_pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ESCAPE = re.compile(rb"\\[bfu]").search
"""How most of them appear in JSON. A pattern that starts with a literal is found much faster than two-byte classes."""
_TOKENS = lazy_pattern(
    r"<\|(?:system|user|assistant|end|endoftext|im_start|im_end|im_sep|eot_id|begin_of_text|end_of_text|start_header_id"
    r"|end_header_id|eom_id|python_tag|tool|placeholder[0-9]*|endofprompt|fim_prefix|fim_middle|fim_suffix)\|>"
)
"""Turn separators of chat templates (Phi-3 and -4, ChatML, Llama 3)."""

# str.splitlines and some readers of JSON Lines treat these as line ends, so they are escaped.
_LINE_ENDS = "\x85\u2028\u2029"
_NEXT, _BREAK, _SEPARATOR = b"\x85", b"\xa8", b"\xa9"
"""Their last bytes in UTF-8: single bytes are the fastest to find."""


def problems_of(row: object, *, open_ended: bool = False) -> list[Problem]:
    """Return all problems of a row; additional columns are ignored.

    open_ended: a conversation may end with the user; its last message is then sent, not trained on.
    """
    if not isinstance(row, dict):
        return [Problem("type", f"a row must be an object, not {kind_of(row)}")]
    found = [
        Problem("type", f"`{key}` must be text, not {kind_of(row[key])}", f"Quote it, or omit `{key}`.")
        for key in ("prompt", "prompt_id")
        if not isinstance(row.get(key, ""), str) and row[key] is not None
    ]
    messages = row.get("messages")
    if messages is None:
        found.append(Problem("missing-key", f"`messages` is missing; columns: {named(row)}", _SHAPE))
    elif not isinstance(messages, list):
        found.append(Problem("type", f"`messages` must be a list, not {kind_of(messages)}", _SHAPE))
    elif not messages:
        found.append(Problem("no-messages", "`messages` is empty", _ORDER))
    elif not _plainly_sound(messages):
        found.extend(_in_conversation(messages, open_ended))
    return found


def oddities_of(row: Mapping[str, Any], line: bytes) -> list[Problem]:
    """Return problems of the texts of a valid row. line: the encoded row, for a fast check that most rows pass."""
    control, tokens = _ESCAPE(line) is not None or b"\x7f" in line, b"|" in line and b"<|" in line
    if not (control or tokens):
        return []
    found = []
    for number, message in enumerate(row["messages"], 1):
        content, role = message["content"], message["role"]
        if control:
            found += control_of(f"message {number} ({role})", content)
        if tokens and (match := _TOKENS.search(content)):
            found.append(
                Problem(
                    "control-token",
                    f"message {number} ({role}) has the control token {match[0]} of a chat template",
                    "Remove it: the model would read it as the end of a turn. The template adds these tokens itself.",
                )
            )
    return found


def control_of(where: str, text: str) -> list[Problem]:
    """Return the problem with the first control character of a text, if it has one. where: the text, for display."""
    match = _CONTROL.search(text)
    if match is None:
        return []
    name = "a NUL character" if match[0] == "\0" else f"the control character U+{ord(match[0]):04X}"
    remedy = "Remove it; it often means that the file was cut off or decoded incorrectly."
    return [Problem("control-character", f"{where} has {name}", remedy)]


def encoded(row: Mapping[str, Any]) -> bytes:
    """Encode a valid row as one line of canonical JSON: UTF-8, fixed key order, no spaces, ending in a line feed.

    A missing `prompt` is set to the first user message, a missing `prompt_id` to the SHA-256 of the prompt, as in
    ultrachat; other columns are dropped. Raises ValueError for an unpaired surrogate, which UTF-8 cannot encode.
    """
    messages = [{"role": message["role"], "content": message["content"]} for message in row["messages"]]
    try:
        prompt = row.get("prompt")
        if prompt is None:
            prompt = next(message["content"] for message in messages if message["role"] == "user")
        identity = row.get("prompt_id")
        if identity is None:
            identity = sha256(prompt.encode()).hexdigest()
        line = orjson.dumps(
            {"prompt": prompt, "messages": messages, "prompt_id": identity}, option=orjson.OPT_APPEND_NEWLINE
        )
    except (UnicodeEncodeError, orjson.JSONEncodeError) as error:
        raise ValueError("unpaired surrogate") from error
    ends = _NEXT in line or _BREAK in line or _SEPARATOR in line
    if ends and _ends_lines([prompt, identity, *[message["content"] for message in messages]]):
        for mark in _LINE_ENDS:
            line = line.replace(mark.encode(), b"\\u%04x" % ord(mark))
    return line


def _ends_lines(texts: list[str]) -> bool:
    # Search each text, not the line: searching a str is far faster than searching UTF-8.
    for text in texts:
        if not text.isascii():
            for mark in _LINE_ENDS:
                if mark in text:
                    return True
    return False


def _plainly_sound(messages: list[Any]) -> bool:
    """Fast check for valid rows. Most rows pass; a row that does not may still be valid."""
    wanted, role = "user", ""
    try:
        for message in messages:
            before, role, start = role, message["role"], message["content"][:1]
            if role == wanted:
                wanted = "assistant" if role == "user" else "user"
            elif before or role != "system":
                return False
            # Ranges without white space and zero-width characters.
            if len(message) > 2 or not (
                "!" <= start <= "~" or "\xae" <= start < "\u1680" or "\u3000" < start < "\ufeff"
            ):
                return False
    except (KeyError, TypeError):
        return False
    return role == "assistant"


def _in_conversation(messages: list[Any], open_ended: bool) -> Iterator[Problem]:
    expected: tuple[str, ...] = ("system", "user")
    ordered = True
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict):
            yield Problem("type", f"message {number} must be an object, not {kind_of(message)}", _SHAPE)
            ordered = False
            continue
        role = message.get("role")
        if (role is None or message.get("content") is None) and (names := _other_names(message)):
            yield _named_otherwise(number, names)
            return
        if role not in ROLES:
            yield _bad_role(number, message)
            ordered = False
        elif ordered and role not in expected:
            wanted = " or ".join(f"`{each}`" for each in expected)
            yield Problem("role-order", f"message {number} has role `{role}`, expected {wanted}", _ORDER)
            ordered = False  # report one problem per conversation: the others are consequences
        expected = ("assistant",) if role == "user" else ("user",)
        content = message.get("content")
        if len(message) > 2 and (tool := next((key for key in TOOLS if message.get(key)), None)):
            yield Problem("tools", f"message {number} has `{tool}`: {NO_TOOLS}", _LEAVE_OUT)
            continue
        if not isinstance(content, str):
            yield _bad_content(number, message)
        elif not content or content.isspace() or not content.strip(_INVISIBLE):
            what = "only invisible characters" if content and not content.isspace() else "empty content"
            yield Problem("empty-content", f"message {number} ({role}) has {what}", "Fill it or drop the row.")
        if len(message) > 2:
            yield from _extra_keys(number, message)
    if ordered and (last := messages[-1]["role"]) != "assistant" and not (open_ended and last == "user"):
        yield Problem("role-order", f"the conversation ends with `{last}`, not with `assistant`", _ORDER)


def _other_names(message: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the keys of role and text in a message of another format."""
    return next(((role, text) for role, text in _NAMES if role in message and text in message), None)


def _named_otherwise(number: int, names: tuple[str, str]) -> Problem:
    role, text = names
    summary = f"message {number} has `{role}` and `{text}` instead of `role` and `content`"
    if role == "role":
        return Problem("turn-names", summary, f"Map them: `messages: {{turns: messages, content: {text}}}`.")
    mapping = f"{{turns: messages, role: {role}, content: {text}, roles: {{human: user, gpt: assistant}}}}"
    remedy = f"Map them: `messages: {mapping}`; for a column `conversations`: `messages: sharegpt`."
    return Problem("turn-names", summary, remedy)


def _bad_role(number: int, message: Mapping[str, Any]) -> Problem:
    role = message.get("role")
    if role is None:
        return Problem("missing-key", f"message {number} has no `role`", f"Roles: {', '.join(ROLES)}.")
    return Problem("role", f"message {number} has {shown_role(role)}", _role_remedy(role))


def _role_remedy(role: object) -> str:
    roles = f"Roles: {', '.join(ROLES)}"
    known = role.strip().lower() if isinstance(role, str) else ""
    if known in ROLES:
        return f"{roles}, in lower case. Or map it: `messages: {{turns: messages, roles: {{{role}: {known}, ...}}}}`."
    if known in ("tool", "function", "observation"):
        return f"{NO_TOOLS[0].upper()}{NO_TOOLS[1:]}. {_LEAVE_OUT}"
    if known == "developer":
        return f"{roles}. To read `developer` as `system`, set `messages: openai`."
    if known in _COMMON:
        as_ = "user" if known in _ASKING else "assistant"
        return f"{roles}. Map it: `messages: {{turns: messages, roles: {{{role}: {as_}, ...}}}}`."
    return f"{roles}. To map others: `messages: {{turns: messages, roles: {{NAME: ROLE}}}}`."


def shown_role(role: object) -> str:
    """Describe a role for an error message, quoted only if it is a role of a known format."""
    if not isinstance(role, str):
        return f"role {kind_of(role)}"
    return f"role `{role}`" if role.strip().lower() in _COMMON else "an unknown role"


def _bad_content(number: int, message: Mapping[str, Any]) -> Problem:
    content = message.get("content")
    if content is None:
        return Problem("missing-key", f"message {number} has no `content`", _SHAPE)
    if isinstance(content, list) and content and all(isinstance(part, dict) for part in content):
        if all(part.get("type") == "text" for part in content):
            summary = f"the content of message {number} must be text, not a list of parts"
            return Problem("parts", summary, "To join text parts, set `messages: openai`.")
        summary = f"message {number} has non-text parts; phift does not train on images or sound"
        return Problem("parts", summary, "Drop such rows.")
    summary = f"the content of message {number} must be text, not {kind_of(content)}"
    return Problem("type", summary, "phift trains on text only.")


def _extra_keys(number: int, message: Mapping[str, Any]) -> Iterator[Problem]:
    # Parquet writes null if only other rows use the key.
    extra = sorted(str(key) for key, value in message.items() if key not in ("role", "content") and value is not None)
    if extra:
        summary = f"message {number} has additional keys: {named(extra)}"
        yield Problem("extra-key", summary, "Remove them, or set `messages: openai`, which ignores such keys.")


def kind_of(value: object) -> str:
    """Return the type of a JSON value, with its article, for a message."""
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return type(value).__name__


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "null"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "an object"),
    (bytes, "bytes"),
)
