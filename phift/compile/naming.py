"""Deterministic names: a run on any machine finds the resources of an earlier run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

__all__ = [
    "asset_name",
    "attempt_name",
    "data_name",
    "deployment_name",
    "display_name",
    "endpoint_name",
    "job_name",
    "setting_name",
]


def asset_name(stack: str, what: str) -> str:
    """`{stack}-{what}`: the code or the environment of a deployment."""
    return f"{stack}-{what}"


def data_name(stack: str, split: str) -> str:
    """`{stack}-{split}`."""
    return f"{stack}-{split}"


def job_name(stack: str, digest: str) -> str:
    """`{stack}-{12 hex of the digest}`."""
    return f"{stack}-{digest[:12]}"


def attempt_name(name: str, attempt: int) -> str:
    """Return the job name of an attempt, counted from 1; later ones end in `-r2`, `-r3` ..."""
    return name if attempt == 1 else f"{name}-r{attempt}"


def endpoint_name(stack: str, workspace_arm_id: str) -> str:
    """`{stack}-{6 hex of the workspace}`: unique in the region, the same on every run. At most 32 characters."""
    suffix = hashlib.sha256(workspace_arm_id.lower().encode()).hexdigest()[:6]
    return f"{stack[:25].rstrip('-')}-{suffix}"


def deployment_name(digest: str) -> str:
    """`d-{8 hex of the digest}`."""
    return f"d-{digest[:8]}"


def setting_name(endpoint: str, deployment: str, workspace_arm_id: str) -> str:
    """`{endpoint}-{deployment}-{6 hex of the deployment's id}`: unique in the resource group, the same on every run."""
    target = f"{workspace_arm_id}/onlineEndpoints/{endpoint}/deployments/{deployment}"
    return f"{endpoint}-{deployment}-{hashlib.sha256(target.lower().encode()).hexdigest()[:6]}"


def display_name(model: str, data: str, parameters: Mapping[str, Any], gpus: int) -> str:
    """Return the display name of the job, in the form of Azure's fine-tune notebook.

    `{model}-{data}-bs{total}-{scheduler}-ds{stage}|nods-lora|nolora-save_limit{n}-seqlen{n}`; total is the batch
    over all GPUs and accumulated steps; a sequence length of -1 (the model's own) is unchanged.
    """
    total = (
        int(parameters.get("per_device_train_batch_size", 1))
        * int(parameters.get("gradient_accumulation_steps", 1))
        * max(gpus, 1)
    )
    deepspeed = f"ds{parameters.get('deepspeed_stage', 2)}" if parameters.get("apply_deepspeed") == "true" else "nods"
    lora = "lora" if parameters.get("apply_lora") == "true" else "nolora"
    parts = [
        model,
        data,
        f"bs{total}",
        str(parameters.get("lr_scheduler_type", "linear")),
        deepspeed,
        lora,
        f"save_limit{parameters.get('save_total_limit', -1)}",
        f"seqlen{parameters.get('max_seq_length', -1)}",
    ]
    return "-".join(parts)
