"""The loop of `phift invoke --chat`: lines of a terminal or of stdin, each a message or a command."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phift.cli.datafiles import add_row
from phift.cli.terminal import Terminal
from phift.errors import PhiftError, UsageError
from phift.exits import ExitCode
from phift.views.human import chat as view
from phift.views.human import errors
from phift.views.human.waiting import waiting

if TYPE_CHECKING:
    from phift.phases import Chat

__all__ = ["converse"]


class _Ended(Exception):
    """/exit."""


def converse(chat: Chat, terminal: Terminal) -> int:
    """Run the chat until stdin ends, and return the exit code.

    Without a terminal, 1 if a message or a command failed. Raises KeyboardInterrupt for Ctrl-C: on a terminal, only
    for the second one in a row at the prompt.
    """
    return _Session(chat, terminal).run()


class _Session:
    def __init__(self, chat: Chat, terminal: Terminal) -> None:
        self.chat = chat
        self.terminal = terminal
        self.interactive = terminal.streams.terminal
        self.failed = False

    def run(self) -> int:
        if self.interactive:
            self._say(view.opening(self.chat, style=self.terminal.streams.err_style))
            with suppress(ImportError):
                import readline  # noqa: F401  (history and editing of lines)
        with suppress(_Ended):
            for text in self._messages():
                try:
                    self._handle(text)
                except PhiftError as error:
                    self.failed = True
                    self._say(errors.render(error, style=self.terminal.streams.err_style))
        return ExitCode.ERROR if self.failed and not self.interactive else ExitCode.OK

    def _messages(self) -> Iterator[str]:
        """Yield messages and commands; lines that end in a backslash are joined."""
        parts: list[str] = []
        for line in self._typed() if self.interactive else _piped():
            if line is None:
                parts = []
            elif line.endswith("\\"):
                parts.append(line[:-1])
            else:
                text = "\n".join([*parts, line]).strip()
                parts = []
                if text:
                    yield text
        if text := "\n".join(parts).strip():
            yield text

    def _typed(self) -> Iterator[str | None]:
        """Yield the lines typed at the prompt, and None for a line that Ctrl-C discarded."""
        interrupted = False
        while True:
            try:
                line = self._prompted()
            except EOFError:
                self._say("")
                return
            except KeyboardInterrupt:
                self._say("")
                if interrupted:
                    raise
                interrupted = True
                self._say("Press Ctrl-C again, or Ctrl-D, to end the chat.")
                yield None
                continue
            interrupted = False
            yield line

    def _prompted(self) -> str:
        if sys.stdout.isatty():
            return input(view.PROMPT)
        # input() would write the prompt to stdout, where only answers belong.
        self.terminal.streams.err.write(view.PROMPT)
        self.terminal.streams.err.flush()
        return input()

    def _handle(self, text: str) -> None:
        if text.startswith("//"):
            self._ask(text[1:])
        elif text.startswith("/"):
            name, _, rest = text.partition(" ")
            self._command(name, rest.strip())
        else:
            self._ask(text)

    def _ask(self, text: str) -> None:
        streams = self.terminal.streams
        answer, started = view.Answer(streams), time.monotonic()
        try:
            with ExitStack() as stack, closing(self.chat.ask(_encodable(text))) as pieces:
                stack.enter_context(waiting(streams, "waiting for the answer"))
                for piece in pieces:
                    stack.close()
                    answer.add(piece)
        except KeyboardInterrupt:
            if not self.interactive:
                raise
            answer.cancel("cancelled; the message and its answer are not part of the conversation")
        except PhiftError:
            if answer.has_text:
                answer.cancel("incomplete; the message and its answer are not part of the conversation")
            raise
        else:
            answer.end(time.monotonic() - started)

    def _command(self, name: str, rest: str) -> None:
        match name:
            case "/exit":
                raise _Ended
            case "/help":
                self._say(view.help_text(self.terminal.streams.err_style))
            case "/system":
                self.chat.system = _encodable(rest)
                self._say("System prompt set." if rest else "System prompt removed.")
            case "/set":
                self._set(*rest.partition(" ")[::2])
            case "/undo":
                self._say("Dropped the last exchange." if self.chat.undo() else "The conversation is empty.")
            case "/reset":
                self.chat.reset()
                self._say("Dropped all exchanges.")
            case "/save":
                self._save(rest)
            case _:
                near = get_close_matches(name, view.COMMANDS, 1)
                raise UsageError(
                    f"unknown command {name}",
                    remedy=f"Did you mean {near[0]}?" if near else "/help lists the commands.",
                )

    def _set(self, name: str, text: str) -> None:
        if name and text.strip():
            self.chat.parameters[name] = _value(text.strip())
        elif name and name not in self.chat.parameters:
            raise UsageError(f"parameter {name} is not set", remedy="Example: /set max_new_tokens 40")
        elif name:
            del self.chat.parameters[name]
        self._say(view.parameters(self.chat.parameters))

    def _save(self, name: str) -> None:
        if not name:
            raise UsageError("/save requires a file", remedy="Example: /save conversations.jsonl")
        count = len(self.chat.row()["messages"])
        add_row(Path(name), self.chat.row())
        self._say(f"Appended a row with {count} messages to {name}.")

    def _say(self, text: str) -> None:
        self.terminal.tell(text)


def _piped() -> Iterator[str]:
    """Yield the lines of stdin. Raises UsageError if they are not UTF-8."""
    try:
        for line in sys.stdin:
            yield line.rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError("stdin is not UTF-8") from None


def _encodable(text: str) -> str:
    """Return the text without unpaired surrogates, which a terminal yields for bytes that are not UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _value(text: str) -> Any:
    """Return the number, flag or other JSON value that the text spells; otherwise the text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
