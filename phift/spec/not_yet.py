"""What the format has and nothing acts on yet: refused by name, never ignored. Remove a line when its work is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from phift.diagnostics import Diagnostic
from phift.spec.tree import Node, Path, dotted

__all__ = ["NOT_YET", "NotYet", "refusals"]


class NotYet(NamedTuple):
    """A place in the spec (`*` is any key), refused when it is there or, with starts, when its text begins so."""

    path: str
    what: str
    starts: str = ""
    remedy: str = ""


NOT_YET = (
    NotYet("deployment.code_configuration", "a scoring script of one's own", remedy="MLflow models need none."),
    NotYet("deployment.scale_settings", "scaling by the service", remedy="Write instance_count: {initial: n}."),
    NotYet("rollout.strategy", "canary rollouts", starts="canary"),
    NotYet(
        "compute.finetune.location", "another region than the workspace's", remedy="Write azure: {location: REGION}."
    ),
    NotYet("compute.finetune.identity", "an identity of the nodes"),
    NotYet(
        "compute.finetune.tier", "choosing the tier by quota", starts="any", remedy="Write dedicated or low_priority."
    ),
    NotYet("finetune.identity", "an identity of the job"),
    NotYet("finetune.timeout_minutes", "a time limit of the job"),
    NotYet("finetune.queue_timeout_minutes", "a time limit of the queue"),
    NotYet("compute.finetune", "serverless compute", starts="serverless:", remedy="Write a block with name and size."),
    NotYet("compute.other_steps", "serverless compute", starts="serverless:", remedy="Leave it out: as finetune."),
)


def refusals(root: Node, table: tuple[NotYet, ...] = NOT_YET) -> Iterator[Diagnostic]:
    """One diagnostic for each thing in the spec that is not yet acted on."""
    refused: set[Path] = set()
    for entry in table:
        for path, node in _matches(root, tuple(entry.path.split("."))):
            if entry.starts and not (isinstance(node.value, str) and node.value.startswith(entry.starts)):
                continue
            if node.value is None or any(path[: len(r)] == r for r in refused):
                continue
            refused.add(path)
            yield Diagnostic(
                f"{dotted(node.written)}: {entry.what} is not yet supported",
                remedy=entry.remedy or "Remove it for now.",
                mark=node.name_mark,
                path=dotted(path),
                code="not-yet",
            )


def _matches(root: Node, pattern: tuple[str, ...], path: Path = ()) -> Iterator[tuple[Path, Node]]:
    if not pattern:
        yield path, root
        return
    for key, child in (root.mapping or {}).items():
        if pattern[0] in ("*", key):
            yield from _matches(child, pattern[1:], (*path, key))
