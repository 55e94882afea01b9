"""What a job does, node by node: the training of a component of the registry, a command, or a sweep over one.

A work is made when the job is submitted (`nodes.py`), stored with the job, and run by a `noderun.NodeRun`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

__all__ = ["Command", "NodeOutput", "Output", "Sweep", "Training", "Work", "binding", "node_output", "work_of"]

_OF_NODE = re.compile(r"\$\{\{\s*parent\.jobs\.(?P<node>[A-Za-z0-9_/-]+)\.outputs\.(?P<name>[A-Za-z0-9_.]+)\s*\}\}")


@dataclass(frozen=True)
class NodeOutput:
    """An output of another node of the same pipeline, as the input of one. node: its path."""

    node: str
    name: str


def binding(output: NodeOutput) -> str:
    """How works write that an input is the output of another node."""
    return f"${{{{parent.jobs.{output.node}.outputs.{output.name}}}}}"


def node_output(uri: str) -> NodeOutput | None:
    """The output of another node that an input is bound to, or None."""
    found = _OF_NODE.fullmatch(uri)
    return NodeOutput(found["node"], found["name"]) if found else None


@dataclass(frozen=True)
class Output:
    """An output of a node that is kept.

    job_name: the job's output that it becomes, "" for one that only other nodes read. uri: where the user wants it, ""
    for the default place. type: such as uri_folder. mode: as sent. asset_name, asset_version: of the asset to register,
    "" for none and for the next version.
    """

    component_name: str
    job_name: str = ""
    uri: str = ""
    type: str = "uri_folder"
    mode: str = ""
    asset_name: str = ""
    asset_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Work:
    """One node of a job.

    node: its path in the pipeline, as in `outer/inner` for a node of a nested pipeline; "" for a job that is one
    command. display_name: "" to show the node's name. component, version: of its component, "" for none. inputs: [uri,
    type] by input name, of a command [uri, type, mode]; the uri of another node's output is its `binding`. outputs: the
    documents of `Output`. compute: name of the cluster it runs on, "" for serverless. instance_type: VM size of
    serverless compute, which takes vCPUs of the region; "" where it is not known. nodes: how many. after: the nodes
    whose outputs it reads.
    """

    kind: ClassVar[str] = ""

    node: str
    component: str = ""
    version: str = ""
    display_name: str = ""
    inputs: dict[str, list[str]] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    compute: str = ""
    instance_type: str = ""
    nodes: int = 1
    after: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the node in its own pipeline."""
        return self.node.rpartition("/")[2]

    @property
    def kept(self) -> list[Output]:
        """Its outputs."""
        return [Output(**output) for output in self.outputs]

    @property
    def document(self) -> dict[str, Any]:
        """The stored form; `work_of` reads it."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class Training(Work):
    """A fine-tuning component of the registry. parameters: canonical, defaults filled in. given: names of those the
    request set."""

    kind: ClassVar[str] = "training"

    parameters: dict[str, Any]
    given: list[str]


@dataclass(frozen=True, kw_only=True)
class Command(Work):
    """A command.

    command: with its expressions. code: id of the code asset, "" for none. environment: id, for the log. variables: the
    job's own environment variables. literals: texts by input name, defaults filled in. timeout: seconds, 0 for none.
    deterministic: its outputs may be reused.
    """

    kind: ClassVar[str] = "command"

    command: str
    code: str = ""
    environment: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    literals: dict[str, str] = field(default_factory=dict)
    timeout: float = 0.0
    deterministic: bool = True


@dataclass(frozen=True, kw_only=True)
class Sweep(Command):
    """A sweep as a node of a pipeline: its trials are commands, whose inputs of the same names the hyperparameters
    replace. settings: as a sweep job is sent. timeout: of a trial."""

    kind: ClassVar[str] = "sweep"

    settings: dict[str, Any]

    @property
    def trial(self) -> Command:
        """The command of all trials, which registers no assets."""
        parts = {each.name: getattr(self, each.name) for each in fields(Command)}
        parts["outputs"] = [{**output, "asset_name": "", "asset_version": ""} for output in self.outputs]
        return Command(**parts)


def work_of(document: Mapping[str, Any]) -> Training | Command:
    """The work of a stored document, also of one that an earlier release stored: those only trained."""
    kinds: dict[str, type[Training] | type[Command]] = {each.kind: each for each in (Command, Sweep)}
    kind = kinds.get(str(document.get("kind")), Training)
    known = {each.name for each in fields(kind)}
    return kind(**{name: value for name, value in document.items() if name in known})
