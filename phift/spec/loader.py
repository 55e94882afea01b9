"""Loading a spec: text -> tree -> target -> variables -> values -> Spec, reporting all problems at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from pydantic import ValidationError

from phift.concealing import FEEDING, concealed, concealed_tree, concealed_words
from phift.diagnostics import Diagnostic, Mark, capped, errors_of
from phift.digest import digest_of
from phift.errors import InvalidSpecError
from phift.spec.budget import Budget
from phift.spec.checks import check_blocks, check_values
from phift.spec.diagnose import diagnose
from phift.spec.document import Spec, TargetBlock
from phift.spec.environment import Environment
from phift.spec.inheritance import read_whole
from phift.spec.literals import literal_secrets
from phift.spec.matrix import MAX_STACKS, Cell, cells, chosen, sibling_names, too_many
from phift.spec.reading import home_of
from phift.spec.spellings import respelled
from phift.spec.targets import LOCAL, OWN_KEYS, Target, choose, override
from phift.spec.tree import Node, Origin, Path, plain
from phift.spec.unmapped import unmapped
from phift.spec.variables import ENV_REFUSED, ENV_UNDEFINED, Renderer, layered

__all__ = ["LoadedSpec", "load", "load_all"]

_LONGEST = 500  # maximum characters of a summary


@dataclass(frozen=True)
class LoadedSpec:
    """A spec rendered for one target.

    stack: `{name}` for the default target, `{name}-{target}` otherwise; of a matrix, `{name}-{value}-{value}` instead
    of `{name}`. env_names: environment variables that templates read, sorted. warnings: findings that are not errors.
    cell: its combination of a matrix. siblings: all stacks of a file with a matrix, on any target.
    """

    spec: Spec
    path: FilePath
    target: Target
    stack: str
    env_names: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]
    tree: Node = field(repr=False, compare=False)
    cell: Cell = field(default=Cell(), repr=False, compare=False)
    siblings: frozenset[str] = frozenset()

    @cached_property
    def rendered(self) -> dict[str, Any]:
        """The final spec as plain values with the keys of the file, including defaults, without None."""
        return self.spec.model_dump(mode="json", by_alias=True, exclude_none=True)

    @cached_property
    def shown(self) -> dict[str, Any]:
        """The final spec with literal secrets concealed, to display and to store."""
        values = dict(concealed(self.rendered))
        return {key: concealed_tree(value) if key in FEEDING and value else value for key, value in values.items()}

    @cached_property
    def digest(self) -> str:
        """64 hex digits over target and rendered spec. Equal digests mean equal requests."""
        target = self.target
        workspace = [target.workspace.subscription_id, target.workspace.label] if target.workspace else None
        return digest_of({"stack": self.stack, "target": target.name, "workspace": workspace, "spec": self.rendered})

    @cached_property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of each final value by dotted path. A list counts as one value."""
        from phift.spec.rendering import origins_of

        return origins_of(self.rendered, self.tree)

    def mark(self, path: str) -> Mark | None:
        """Return the nearest position in the file for a dotted path (`compute.finetune.size`), of the key if
        possible."""
        parts: Path = tuple(int(part) if part.isdecimal() else part for part in path.split(".")) if path else ()
        return self.tree.nearest(parts).name_mark


class _Build(NamedTuple):
    """An attempt to build a Spec for one target."""

    target: Target
    tree: Node
    spec: Spec | None
    found: list[Diagnostic]
    env_names: set[str]


def load(
    path: FilePath,
    *,
    target: str | None = None,
    variables: Mapping[str, str] | None = None,
    variable_files: Sequence[FilePath] = (),
    environ: Mapping[str, str] = os.environ,
    allow_env: Collection[str] = (),
    max_stacks: int = MAX_STACKS,
    home: FilePath | None = None,
    every_target: bool = True,
    mapped: bool = True,
) -> LoadedSpec:
    """Load the spec of a file, rendered for a target (None: the default target) and validated.

    variables: as text, read as YAML scalars; they override those of variable_files, the target and the spec.
    allow_env: environment variables that templates can read in addition to the default ones (environment.py).
    max_stacks: maximum of combinations times targets. home: the folder that must contain variable_files, by default the
    repository of the spec. every_target: validate the overrides of the other targets too, without their environment.
    mapped: False ignores the mapping of rows to messages, including its problems.
    Raises InvalidSpecError with all diagnostics of the file, in the order of its lines; also for a matrix, unless the
    variables select one combination.
    """
    found = load_all(
        path,
        target=target,
        variables=variables,
        variable_files=variable_files,
        environ=environ,
        allow_env=allow_env,
        max_stacks=max_stacks,
        home=home,
        every_target=every_target,
        mapped=mapped,
    )
    if len(found) > 1:
        stacks = [one.stack for one in found]
        names = ", ".join(stacks[:4]) + (f" and {len(stacks) - 4} more" if len(stacks) > 4 else "")
        example = " ".join(f"--var {name}={text}" for name, text in found[0].cell.variables.items())
        summary = f"the spec defines {len(found)} stacks; this command needs one: {names}"
        mark = found[0].mark("matrix")
        raise InvalidSpecError(
            [Diagnostic(summary, remedy=f"Select one: {example}", mark=mark, path="matrix", code="matrix")]
        )
    return found[0]


def load_all(
    path: FilePath,
    *,
    target: str | None = None,
    variables: Mapping[str, str] | None = None,
    variable_files: Sequence[FilePath] = (),
    environ: Mapping[str, str] = os.environ,
    allow_env: Collection[str] = (),
    max_stacks: int = MAX_STACKS,
    home: FilePath | None = None,
    every_target: bool = True,
    mapped: bool = True,
) -> list[LoadedSpec]:
    """Load the spec for every combination of the matrix that the variables select; one without a matrix."""
    name = str(path)
    root, found = read_whole(path)
    if root is None:
        raise _invalid(found)
    if root.mapping is None:
        found.append(
            Diagnostic("a spec must be a mapping that begins with version: 1", mark=root.mark, code="wrong-type")
        )
        raise _invalid(found)
    if not mapped:
        root = unmapped(root)
    if (many := too_many(root, max_stacks)) is not None:
        raise _invalid([*found, many])
    targets = root.child("targets")
    found += _shape_of_targets(targets)
    if errors_of(found) and targets is not None and any(d.path == "targets" for d in found):
        raise _invalid(found)
    target_choice = choose(targets, target, Mark(name))
    if isinstance(target_choice, Diagnostic):
        found.append(target_choice)
        target_choice = (next(iter((targets.mapping if targets else None) or {}), LOCAL), False)
    all_cells, wrong = cells(root)
    found += wrong
    picked, wrong = chosen(all_cells, variables or {}, root)
    found += wrong
    siblings = sibling_names(root, all_cells)
    stacks = []
    budget = Budget(max(len(picked), 1) * max(len((targets.mapping if targets else None) or ()), 1))
    shared = _Shared(variable_files, Environment(environ, allow_env), lambda: home or home_of(path), budget)
    for cell in picked or [Cell()]:
        given = {n: text for n, text in (variables or {}).items() if n not in cell.values}
        values = _Values(given, cell, shared)
        stacks.append(_loaded(path, root, target_choice, values, [*found], siblings, every_target=every_target))
    return stacks


class _Shared(NamedTuple):
    """Values shared by all stacks of a file."""

    files: Sequence[FilePath]
    environment: Environment
    home: Callable[[], FilePath]
    budget: Budget


class _Values(NamedTuple):
    """The values of variables from outside the spec. cell: overrides all others."""

    given: Mapping[str, str]
    cell: Cell
    shared: _Shared


def _loaded(
    path: FilePath,
    root: Node,
    target: tuple[str, bool],
    values: _Values,
    found: list[Diagnostic],
    siblings: frozenset[str],
    *,
    every_target: bool,
) -> LoadedSpec:
    target_name, is_default = target
    build = _build(root, target_name, values)
    found += build.found
    if every_target:
        found += _others(root, target_name, values)
    found = _ordered(found)
    if errors_of(found) or build.spec is None:
        raise _invalid(found)
    stack = values.cell.stack(build.spec.name)
    return LoadedSpec(
        build.spec,
        path,
        build.target,
        stack if is_default else f"{stack}-{target_name}",
        tuple(sorted(build.env_names)),
        tuple(_first_of_each(found)),
        build.tree,
        values.cell,
        siblings,
    )


def _build(root: Node, name: str, values: _Values) -> _Build:
    merged, found = override(root, name)
    declared = _declared(merged, values.cell)
    shared = values.shared
    variables, wrong = layered(declared, shared.files, values.given, shared.home)
    variables |= values.cell.values
    found += wrong
    renderer = Renderer(variables, {"name": name, "local": name == LOCAL}, shared.environment, shared.budget)
    # A cell is a spec of its own, without the matrix.
    own_words = ("vars", "matrix") if values.cell.label else ("vars",)
    blocks = {key: child for key, child in (merged.mapping or {}).items() if key not in own_words}
    tree, wrong = respelled(renderer.render(merged.with_value(blocks)))  # blocks that templates produced
    found += wrong
    own = root.at(("targets", name))
    own = own if own is not None and own.mapping is not None else None
    if own is not None:
        kept = {key: child for key, child in (own.mapping or {}).items() if key in OWN_KEYS}
        own = renderer.render(own.with_value(kept), ("targets", name))
    found += renderer.found
    if declared is not None:
        shown = renderer.variables() if declared.mapping is not None else declared.value
        tree = tree.with_value({**(tree.mapping or {}), "vars": declared.with_value(shown)})
    target = _target(name, own, found)
    return _Build(target, tree, _validated(tree, found), found, renderer.env_names)


def _declared(merged: Node, cell: Cell) -> Node | None:
    """Return the variables of the spec, including those of its matrix."""
    declared = merged.child("vars")
    if not cell.values or (declared is not None and declared.mapping is None):
        return declared
    place = declared or merged.at(("matrix",)) or merged
    return place.with_value({**((declared.mapping if declared else None) or {}), **cell.values})


def _validated(tree: Node, found: list[Diagnostic]) -> Spec | None:
    found += check_blocks(tree)
    found += literal_secrets(tree)
    try:
        spec = Spec.model_validate(plain(tree))
    except ValidationError as cause:
        found += diagnose(cause, tree, Spec)
        return None
    found += check_values(spec, tree)
    return spec


def _target(name: str, own: Node | None, found: list[Diagnostic]) -> Target:
    if own is None:
        return Target(name, name == LOCAL)
    try:
        block = TargetBlock.model_validate(plain(own))
    except ValidationError as cause:
        found += diagnose(cause, own, TargetBlock, ("targets", name))
        return Target(name, name == LOCAL)
    if name == LOCAL and block.workspace is not None:
        found.append(
            Diagnostic(
                "targets.local cannot have a workspace: it is the emulator",
                remedy="Give the target another name, or remove the workspace.",
                mark=own.nearest(("workspace",)).name_mark,
                path="targets.local.workspace",
                code="target",
            )
        )
    return Target(name, name == LOCAL, block.workspace.reference if block.workspace else None)


def _others(root: Node, chosen: str, values: _Values) -> list[Diagnostic]:
    """Return the problems of the other targets. Variables of the command line may apply to the chosen target only."""
    found: list[Diagnostic] = []
    targets = root.child("targets")
    for name, node in ((targets.mapping if targets else None) or {}).items():
        if name != chosen and node.mapping:
            found += _build(root, name, values).found
    return [d for d in errors_of(found) if d.code not in (ENV_REFUSED, ENV_UNDEFINED, "var-unknown")]


def _shape_of_targets(targets: Node | None) -> list[Diagnostic]:
    if targets is None or targets.value is None:
        return []
    if targets.mapping is None:
        return [
            Diagnostic(
                "targets must be a mapping of names to targets", mark=targets.mark, path="targets", code="wrong-type"
            )
        ]
    found = []
    for name, node in targets.mapping.items():
        if not _target_name_fits(name):
            rule = "1 to 16 lower-case letters, digits and dashes, starting with a letter"
            found.append(
                Diagnostic(f"the name of a target must be {rule}; got {name!r}", mark=node.name_mark, code="target")
            )
        if node.mapping is None and node.value is not None:
            summary = f"targets.{name} must be a mapping"
            found.append(Diagnostic(summary, mark=node.mark, path=f"targets.{name}", code="wrong-type"))
    return found


def _target_name_fits(name: str) -> bool:
    return (
        0 < len(name) <= 16
        and name.isascii()
        and name[0].islower()
        and all(c.islower() or c.isdigit() or c == "-" for c in name)
    )


def _invalid(found: Sequence[Diagnostic]) -> InvalidSpecError:
    """Return the error with the first diagnostics, errors before warnings."""
    return InvalidSpecError(_first_of_each(found))


def _first_of_each(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Return the first diagnostics of each severity, with secrets in values concealed."""
    return [replace(d, summary=concealed_words(_one_line(d.summary))) for d in capped(found)]


def _one_line(summary: str) -> str:
    """Shorten a summary to one line: keys and values may contain line breaks and be as long as a file."""
    return " ".join(summary[:_LONGEST].split()) + ("..." if len(summary) > _LONGEST else "")


def _ordered(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics without duplicates, ordered by position, with one-line summaries."""
    lines = [replace(d, summary=_one_line(d.summary)) for d in reversed(found)]
    once = {(d.mark, d.summary): d for d in lines}
    return sorted(once.values(), key=lambda d: (d.mark or Mark(""), d.summary))
