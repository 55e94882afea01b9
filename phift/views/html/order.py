"""The dependency graph of a plan as a timeline: a row for each resource, in the order of an apply, and its critical
path."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phift.address import Address
from phift.clock import duration
from phift.graph.critical import Schedule, direct, schedule
from phift.graph.dag import Graph
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource
from phift.views.html.markup import Markup, joined, tag
from phift.views.human.values import cut

__all__ = ["MOST_ROWS", "Order", "Task", "order_of", "sign_of", "timeline", "tone_of"]

MOST_ROWS = 60
"""Rows of the drawing; the table shows every resource."""
_LEAST = 0.07
"""Part of the whole that a bar takes at least, so that short steps remain visible."""


@dataclass(frozen=True)
class Task:
    """A resource of the drawing. seconds: expected, None if unknown. after: direct dependencies that are drawn too."""

    address: Address
    symbol: str
    tone: str
    seconds: float | None
    start: float
    end: float
    critical: bool
    after: tuple[Address, ...]

    @property
    def took(self) -> str:
        return "" if self.seconds is None else duration(self.seconds)


@dataclass(frozen=True)
class Order:
    """The order of an apply. tasks: the resources that change, or all of a plan without changes. whole: seconds of the
    critical path, without unknown durations; None if all are unknown. unknown: number of tasks without a duration.
    hidden: number of tasks that are not drawn."""

    tasks: tuple[Task, ...]
    critical: tuple[Address, ...]
    whole: float | None
    unknown: int
    drawn: tuple[Task, ...]

    @property
    def hidden(self) -> int:
        return len(self.tasks) - len(self.drawn)


def order_of(plan: Plan, seconds: Mapping[str, float] | None = None) -> Order:
    """Return the order of an apply of the plan.

    seconds: expected durations by address, such as those of the last apply; estimates of the plan's cost come first.
    Raises CycleError for a saved plan whose dependencies are circular.
    """
    known = dict(seconds or {})
    for line in plan.cost.lines if plan.cost else ():
        if line.duration is not None:
            known[str(line.address)] = line.duration.middle * 3600
    chosen = [r for r in plan.resources if r.action.changes_something] or list(plan.resources)
    graph = _graph(plan, chosen)
    expected = {r.address: known.get(str(r.address)) for r in chosen}
    real = schedule(graph, {address: value or 0.0 for address, value in expected.items()})
    placed = schedule(graph, _widths(expected, real))
    after = direct(graph)
    tasks = tuple(
        Task(
            r.address, sign_of(r.action), tone_of(r), expected[r.address], placed.start[r.address],
            placed.end[r.address], r.address in real.critical, after[r.address],
        )
        for r in sorted(chosen, key=lambda r: (placed.start[r.address], placed.end[r.address]))
    )  # fmt: skip
    unknown = sum(task.seconds is None for task in tasks)
    return Order(
        tasks,
        real.critical,
        real.length if unknown < len(tasks) else None,
        unknown,
        _shown(tasks),
    )


def tone_of(resource: PlannedResource) -> str:
    """Return "destroy", "add", "change" or "keep", the most severe that applies."""
    action = resource.action
    return "destroy" if action.destroys else "add" if action.adds else "change" if action.alters else "keep"


def sign_of(action: Action) -> str:
    """Return the symbol of an action with a real minus sign; "" for an action that changes nothing."""
    return action.symbol.strip().replace("-", "\u2212")


def timeline(order: Order, id: str, *, narrow: bool = False) -> Markup:
    """Return the drawing as an SVG image. narrow: for 340 pixels, with labels above the bars. Empty without tasks."""
    if not order.drawn:
        return Markup("")
    page = _Narrow(order) if narrow else _Wide(order)
    title, about = f"{id}-title", f"{id}-about"
    return tag(
        "svg",
        tag("title", "Order of the apply and its critical path", id=title),
        tag("desc", _described(order), id=about),
        tag("g", *(_edges(page, order)), aria_hidden="true"),
        tag("g", *(_row(page, n, task) for n, task in enumerate(order.drawn)), aria_hidden="true"),
        class_=f"order {'narrow' if narrow else 'wide'}",
        viewBox=f"0 0 {page.width:.0f} {page.height:.0f}",
        role="img",
        aria_labelledby=f"{title} {about}",
    )


def _graph(plan: Plan, chosen: Sequence[PlannedResource]) -> Graph[Address]:
    """Return the graph of the chosen resources; a dependency through others counts as direct. Raises CycleError."""
    whole: Graph[Address] = Graph()
    for resource in plan.resources:
        whole.add(resource.address, resource.depends_on)
    wanted = {r.address for r in chosen}
    passed: dict[Address, dict[Address, None]] = {}
    graph: Graph[Address] = Graph()
    for address in whole.order():
        before = {one: None for other in whole.before(address) for one in passed[other]}
        passed[address] = {address: None} if address in wanted else before
        if address in wanted:
            graph.add(address, before)
    return graph


def _widths(expected: Mapping[Address, float | None], real: Schedule[Address]) -> dict[Address, float]:
    """Return the lengths of the bars: of equal length if no duration is known, else at least a part of the whole."""
    if not real.length:
        return dict.fromkeys(expected, 1.0)
    return {address: max(value or 0.0, real.length * _LEAST) for address, value in expected.items()}


def _shown(tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    if len(tasks) <= MOST_ROWS:
        return tasks
    room = MOST_ROWS - min(sum(task.critical for task in tasks), MOST_ROWS)
    kept: list[Task] = []
    for task in tasks:
        if task.critical and len(kept) < MOST_ROWS:
            kept.append(task)
        elif room:
            kept.append(task)
            room -= 1
    return tuple(kept)


def _described(order: Order) -> str:
    chain = ", then ".join(str(address) for address in order.critical[:MOST_ROWS])
    whole = f" It takes about {duration(order.whole)}." if order.whole else ""
    return f"{len(order.tasks)} resources. Critical path: {chain}.{whole} The table below lists all."


class _Page(ABC):
    """Where things are. left, right: of the bars."""

    width: float
    left: float
    right: float
    row: float
    gap: float

    def __init__(self, order: Order) -> None:
        self._whole = max((task.end for task in order.drawn), default=1.0) or 1.0
        self.height = self.row * len(order.drawn) + 8

    def x(self, moment: float) -> float:
        return self.left + moment / self._whole * (self.right - self.left)

    def bar(self, task: Task) -> tuple[float, float]:
        """Return the left and the right end of a bar, with room for the lines between two bars."""
        left, right = self.x(task.start) + self.gap, self.x(task.end) - self.gap
        return left, max(right, left + 2)

    @abstractmethod
    def y(self, n: int) -> float:
        """Return the position of the middle of a bar."""

    @abstractmethod
    def labels(self, n: int, task: Task) -> Markup:
        """Return the text next to a bar."""


class _Wide(_Page):
    width, left, right, row, gap = 1040.0, 250.0, 960.0, 30.0, 7.0

    def y(self, n: int) -> float:
        return 4 + n * self.row + self.row / 2

    def labels(self, n: int, task: Task) -> Markup:
        y = self.y(n) + 4
        return joined(
            [
                tag("text", task.symbol, class_=f"symbol {task.tone}", x=22, y=y, text_anchor="end"),
                tag("text", cut(str(task.address), 30), class_=_label(task), x=32, y=y),
                tag("text", task.took, class_="took", x=self.width - 4, y=y, text_anchor="end"),
            ]
        )


class _Narrow(_Page):
    width, left, right, row, gap = 340.0, 2.0, 338.0, 44.0, 4.0

    def y(self, n: int) -> float:
        return 4 + n * self.row + 30

    def labels(self, n: int, task: Task) -> Markup:
        y = 4 + n * self.row + 15
        return joined(
            [
                tag("text", task.symbol, class_=f"symbol {task.tone}", x=2, y=y),
                tag("text", cut(str(task.address), 30), class_=_label(task), x=28, y=y),
                tag("text", task.took, class_="took", x=self.width - 2, y=y, text_anchor="end"),
            ]
        )


def _label(task: Task) -> str:
    return "label critical" if task.critical else "label"


def _row(page: _Page, n: int, task: Task) -> Markup:
    left, right = page.bar(task)
    name = f"bar {'critical' if task.critical else 'slack'}"
    shown = tag("title", _about(task))
    bar = tag("rect", shown, class_=name, x=left, y=page.y(n) - 6, width=right - left, height=12, rx=3)
    return tag("g", page.labels(n, task), bar)


def _about(task: Task) -> str:
    """Return what is shown while a bar is pointed at."""
    after = f", after {', '.join(map(str, task.after))}" if task.after else ""
    return f"{task.address}: {task.took or 'duration not known'}{after}"


def _edges(page: _Page, order: Order) -> list[Markup]:
    """Return the lines from the end of a bar to the starts of those that wait for it, critical ones on top."""
    rows = {task.address: (n, task) for n, task in enumerate(order.drawn)}
    on_path = set(zip(order.critical, order.critical[1:], strict=False))
    found: list[tuple[bool, Markup]] = []
    for address, (n, task) in rows.items():
        for other in task.after:
            if other not in rows:
                continue
            m, before = rows[other]
            start, turn, end = page.bar(before)[1], page.x(task.start), page.bar(task)[0]
            critical = (other, address) in on_path
            path = f"M{start:.1f} {page.y(m):.1f}H{turn:.1f}V{page.y(n):.1f}H{end:.1f}"
            found.append((critical, tag("path", class_=f"edge{' critical' if critical else ''}", d=path)))
    return [markup for _, markup in sorted(found, key=lambda one: one[0])]
