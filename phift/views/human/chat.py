"""`phift invoke --chat`: answers as they arrive, and what the commands of a chat say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phift.inert import inert
from phift.views.base import PLAIN, Streams, Style
from phift.views.human.values import duration, table, value

if TYPE_CHECKING:
    from phift.phases import Chat

__all__ = ["COMMANDS", "PROMPT", "Answer", "help_text", "opening", "parameters"]

PROMPT = "> "

COMMANDS = {
    "/system": ("[TEXT]", "set the system prompt; without TEXT, remove it"),
    "/set": ("[NAME [VALUE]]", "set a generation parameter; without VALUE, remove it; alone, show all"),
    "/undo": ("", "drop the last exchange"),
    "/reset": ("", "drop all exchanges; keep the system prompt and the parameters"),
    "/save": ("FILE.jsonl", "append the conversation as a row of training data"),
    "/help": ("", "show this list"),
    "/exit": ("", "end the chat (also: Ctrl-D)"),
}
"""Arguments and meaning by command."""


def help_text(style: Style = PLAIN) -> str:
    """Return the commands and what they mean."""
    rows = [(f"{name} {given}".strip(), meaning) for name, (given, meaning) in COMMANDS.items()]
    return "\n".join(
        [
            *table(rows, indent="  ", width=style.width),
            "",
            "A line that ends in \\ continues on the next one. // begins a message with /.",
            "Ctrl-C cancels the running answer.",
        ]
    )


def opening(chat: Chat, *, style: Style = PLAIN) -> str:
    """Return the first lines of a chat on a terminal."""
    where = f", deployment {chat.deployment}" if chat.deployment else ""
    head = f"Chat with endpoint {style.bold(inert(chat.endpoint))}{inert(where)}."
    return f"{head}\n{style.dim('/help lists the commands. Ctrl-D ends the chat.')}\n"


def parameters(given: Mapping[str, Any]) -> str:
    """Return the generation parameters, one per line."""
    if not given:
        return "No generation parameters: the deployment's defaults apply."
    return "\n".join(table([(inert(name), value(item)) for name, item in given.items()], indent="  "))


class Answer:
    """One answer on stdout, written as it arrives. It cannot control a terminal. has_text: whether it shows any."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self.has_text = False
        self._space = ""

    def add(self, piece: str) -> None:
        """Write a piece. Space at the beginning and at the end of the answer is left out."""
        text = self._space + (piece if self.has_text else piece.lstrip())
        kept = text.rstrip()
        self._space = text[len(kept) :]
        if not kept:
            return
        self.has_text = True
        self._write(inert(kept.expandtabs(4), keep="\n"))

    def end(self, seconds: float) -> None:
        """Complete the answer. seconds: it took."""
        self._write("\n" if self.has_text else "(an empty answer)\n")
        if not self.has_text:
            self._say("(the message is not part of the conversation)")
        if self._streams.terminal:
            self._say(f"({duration(seconds)})\n")

    def cancel(self, why: str) -> None:
        """End an incomplete answer with a remark on stderr."""
        if self.has_text:
            self._write("\n")
        self._say(f"({why})")

    def _write(self, text: str) -> None:
        self._streams.out.write(text)
        self._streams.out.flush()

    def _say(self, text: str) -> None:
        self._streams.err.write(self._streams.err_style.dim(text) + "\n")
        self._streams.err.flush()
