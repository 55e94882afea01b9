"""Progress of an apply on a terminal: one line per resource, redrawn in place on stderr."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Any, Self, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from phift.address import Address
from phift.apply.events import (
    ApplyStarted,
    Event,
    LeaseEvent,
    Note,
    ResourceDone,
    ResourceFailed,
    ResourceProgress,
    ResourceSkipped,
    ResourceStarted,
)
from phift.clock import Clock
from phift.errors import DetachedError
from phift.inert import inert
from phift.plan.action import Action
from phift.views.base import Streams, is_gone
from phift.views.human.apply import HumanApply, outcome_suffix, progress_text, summary_of
from phift.views.human.values import duration
from phift.views.human.words import words_of

__all__ = ["LiveApply"]

BAR, SHORT_BAR = 16, 8
"""Columns of a progress bar on a terminal of 100 columns, and on a narrower one."""


class _Outliving:
    """A console that ignores output once its terminal is closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._or_zero(lambda: self._stream.write(text))

    def flush(self) -> None:
        self._or_zero(lambda: self._stream.flush() or 0)

    def _or_zero(self, work: Callable[[], int]) -> int:
        try:
            return work()
        except OSError as error:
            if not is_gone(error):
                raise
            return 0


class RowState(Enum):
    WAITING = auto()
    RUNNING = auto()
    DONE = auto()
    FAILED = auto()
    SKIPPED = auto()
    DETACHED = auto()


@dataclass
class Row:
    """One resource. said: what is shown of it. fraction: of its work, 0 to 1. began: when, elapsed: for how long, in
    seconds of the clock."""

    address: Address
    action: Action
    state: RowState = RowState.WAITING
    said: str = ""
    fraction: float | None = None
    began: float | None = None
    elapsed: float = 0.0


class LiveApply(HumanApply):
    """One row per planned action. Finished rows remain, so the final screen is a record of the apply."""

    def __init__(self, streams: Streams, *, clock: Clock | None = None) -> None:
        super().__init__(streams, clock=clock)
        self._rows: dict[Address, Row] = {}
        style = streams.err_style
        file = cast("TextIO", _Outliving(streams.err))
        self._console = Console(file=file, no_color=not style.colour, highlight=False, width=style.width)
        self._live = Live(self, console=self._console, refresh_per_second=8, transient=False)
        self._spinner = Spinner("dots")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            for row in self._rows.values():
                if row.state is RowState.RUNNING:
                    row.state, row.said = RowState.DETACHED, row.said or "not finished"
                    row.elapsed = self._elapsed(row)
        self._live.stop()

    def _tell(self, event: Event) -> None:
        now = self._clock.monotonic()
        match event:
            case ApplyStarted(plan=plan):
                wanted = [r for r in plan.resources if r.action.changes_something]
                self._rows = {r.address: Row(r.address, r.action) for r in wanted}
            case ResourceStarted(address=address, action=action):
                row = self._rows.setdefault(address, Row(address, action))
                row.state, row.began, row.said = RowState.RUNNING, now, ""
            case ResourceProgress(address=address):
                row = self._rows.setdefault(address, Row(address, Action.CREATE))
                row.state, row.said = RowState.RUNNING, progress_text(event)
                # A wait is timed from its own start, a resource from its first write.
                row.began = min(now if row.began is None else row.began, now - event.elapsed)
                row.fraction = min(event.current / event.total, 1.0) if event.total else None
            case ResourceDone(address=address, action=action):
                if address in self._rows or action.changes_something:
                    row = self._rows.setdefault(address, Row(address, action))
                    came = outcome_suffix(event).strip(" []").removeprefix("id=")
                    row.state, row.said, row.elapsed, row.fraction = RowState.DONE, came, event.elapsed, None
            case ResourceFailed(address=address, action=action, error=error):
                row = self._rows.setdefault(address, Row(address, action))
                row.state = RowState.DETACHED if isinstance(error, DetachedError) else RowState.FAILED
                row.said, row.elapsed, row.fraction = summary_of(error, address), event.elapsed, None
            case ResourceSkipped(address=address, because=because):
                row = self._rows.setdefault(address, Row(address, Action.NO_OP))
                row.state, row.said = RowState.SKIPPED, f"skipped: depends on {because}"
            case Note(text=text):
                self._console.print(f"Note: {inert(text)}", markup=False)
            case LeaseEvent(state="lost"):
                self._console.print("Lost the lease of this stack; no further writes.", style="red")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._lock:
            table = Table.grid(padding=(0, 1))
            table.add_column(width=1)
            table.add_column(no_wrap=True)
            table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
            table.add_column(justify="right", no_wrap=True)
            # The terminal echoes ^C at the cursor, after the last row: it must not break that line.
            table.width = max(options.max_width - len("^C"), 1)
            now = self._clock.monotonic()
            for row in self._fitting(options.size.height):
                elapsed = self._elapsed(row) if row.state is RowState.RUNNING else row.elapsed
                table.add_row(
                    self._sign(row, now),
                    Text(inert(str(row.address)), style="bold"),
                    self._told(row),
                    duration(elapsed) if elapsed or row.state in {RowState.RUNNING, RowState.DONE} else "",
                )
            yield table

    def _elapsed(self, row: Row) -> float:
        return 0.0 if row.began is None else self._clock.monotonic() - row.began

    def _told(self, row: Row) -> RenderableType:
        """Return the text of a row, followed by a bar if its progress is known."""
        said = Text(
            inert(self._said(row)),
            style="red" if row.state is RowState.FAILED else "dim" if row.state is not RowState.RUNNING else "",
            no_wrap=True,
            overflow="ellipsis",
        )
        if row.fraction is None:
            return said
        both = Table.grid(padding=(0, 1), expand=True)
        both.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        both.add_column(width=self._bar_width)
        both.add_row(said, self._bar(row.fraction))
        return both

    def _bar(self, fraction: float) -> Text:
        """Draw a bar that is readable without colours, unlike rich's own."""
        filled = round(fraction * self._bar_width)
        return Text.assemble(("━" * filled, "green"), ("┄" * (self._bar_width - filled), "dim"))

    @property
    def _bar_width(self) -> int:
        return BAR if self._console.width >= 100 else SHORT_BAR

    def _fitting(self, height: int) -> list[Row]:
        """Return all rows, or only the active ones if the terminal is too short."""
        rows = list(self._rows.values())
        if len(rows) < height - 1 or not self._live.is_started:
            return rows
        busy = [r for r in rows if r.state in {RowState.RUNNING, RowState.FAILED}]
        return (busy or rows)[: max(height - 2, 1)]

    def _sign(self, row: Row, now: float) -> Text:
        if row.state is RowState.RUNNING:
            frame = self._spinner.render(now)
            return frame if isinstance(frame, Text) else Text("*")
        sign, style = {
            RowState.DONE: ("✓", "green"),
            RowState.FAILED: ("✗", "red"),
            RowState.SKIPPED: ("-", "yellow"),
            RowState.DETACHED: ("…", "yellow"),
        }.get(row.state, ("·", "dim"))
        return Text(sign, style=style)

    def _said(self, row: Row) -> str:
        if row.state is RowState.WAITING:
            return "waiting"
        if row.state is RowState.RUNNING:
            return row.said or words_of(row.address, row.action).doing
        return row.said
