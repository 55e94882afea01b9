"""The addresses of a spec's resources, read from its blocks alone: without a workspace, and without rendering.

For completion in a shell, which must be quick and may be wrong about a template. tests/unit/test_completion.py compares
them with those of compiled stacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["addresses_in"]

_TRAINED_ON = ("train", "validation", "test")


def addresses_in(spec: Mapping[str, Any]) -> list[str]:
    """Return the addresses in plan order. spec: the plain tree of a spec, with the overrides of its target."""
    return [*_trained(spec), *_served(spec)]


def _trained(spec: Mapping[str, Any]) -> Iterator[str]:
    for task, wanted in _block(spec, "compute").items():
        if wanted and not str(wanted).startswith("serverless:") and "serverless" not in _mapping(wanted):
            yield f"compute.{task}"
    yield from (f"data.{split}" for split in _TRAINED_ON if split in _block(spec, "data"))
    if "finetune" in spec:
        yield "job.finetune"
        yield "model.finetuned"


def _served(spec: Mapping[str, Any]) -> Iterator[str]:
    deployment, rollout = _block(spec, "deployment"), _block(spec, "rollout")
    if "finetune" not in spec and ("model" in spec or "model" in deployment):
        yield "model.served"
    if "code_configuration" in deployment:
        yield "code.scoring"
    if "environment" in deployment:
        yield "environment.serving"
    if "endpoint" in spec or deployment:
        yield "endpoint.main"
    if deployment:
        yield "deployment.main"
        yield from (f"test.{name}" for name in _block(spec, "tests"))
        if "autoscale" in deployment:
            yield "autoscale.main"
        if rollout.get("traffic") != "unmanaged":
            yield "traffic.main"


def _block(spec: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _mapping(spec.get(name))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
