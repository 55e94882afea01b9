"""endpoint.main, deployment.main, traffic.main and test.*: from a registered model to an answering endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.address import Address
from phift.catalog.vm_sizes import spelled
from phift.compile.draft import Draft, drop_none
from phift.compile.naming import deployment_name, setting_name
from phift.digest import digest_of
from phift.kinds.deployment.parts import IN_PLACE, REPLACE, DeploymentParts
from phift.spec import DeploymentBlock, InitialCount, RolloutBlock, SecretRef
from phift.state.desired import Desired
from phift.state.exports import DeploymentExport, EndpointExport, ModelExport

__all__ = ["DIGEST_VERSION", "deployment"]

DIGEST_VERSION = 1
"""Part of the digest of every deployment. Changing it replaces all deployments."""

DEPLOYMENT = Address("deployment", "main")
IN_PLACE_NAME = "main"
"""Name of the deployment if the rollout does not create a new one next to it."""


def deployment(draft: Draft) -> list[Desired[DeploymentParts]]:
    """Return the deployment of the model. Its name is the digest of all values that require a new deployment."""
    block, endpoint, model = draft.spec.deployment, draft.first(EndpointExport), draft.first(ModelExport)
    if block is None or endpoint is None:
        return []
    if model is None:
        draft.error("deployment", "`deployment` requires a model", code="no-model", remedy=_ADD_MODEL)
        return []
    rollout = draft.spec.rollout or RolloutBlock()
    inputs = _inputs(block, model, spelled(block.instance_type))
    digest = _digest(inputs)
    # Release 0.1.0 used the spelling of the size in the spec for the name.
    written = {_digest(_inputs(block, model, size)) for size in (block.instance_type, block.instance_type.lower())}
    beside = rollout.strategy not in {IN_PLACE, REPLACE}
    secrets = {k: v for k, v in block.environment_variables.items() if isinstance(v, SecretRef)}
    name = draft.named(DEPLOYMENT, deployment_name(digest)) if beside else IN_PLACE_NAME
    scale, count = block.autoscale, block.instance_count
    setting = setting_name(endpoint.name, name, draft.facts.arm_id) if scale else ""
    initial = scale.start if scale else count.initial if isinstance(count, InitialCount) else None
    least = initial or (count if isinstance(count, int) else 1)
    most = scale.most if scale else least
    draft.export(DeploymentExport(DEPLOYMENT, name, beside, setting, least, most))
    return [
        Desired(
            address=DEPLOYMENT,
            name=name,
            properties=_properties(draft, block),
            digest=digest,
            inputs=inputs,
            parts=DeploymentParts(
                endpoint=endpoint.name,
                model=model.address,
                model_name=model.name,
                strategy=rollout.strategy,
                keep_previous=rollout.keep_previous,
                keep_hours=rollout.keep_previous_hours,
                initial_count=initial,
                maximum_count=scale.most if scale else None,
                environment=block.environment,
                secrets=secrets,
                allow=block.allow,
            ),
            shown=drop_none({"model": inputs["model"], "secrets": {k: str(v) for k, v in secrets.items()} or None}),
            depends_on=(endpoint.address, model.address),
            generated=endpoint.generated,
            former_names=tuple(deployment_name(d) for d in sorted(written - {digest})) if beside else (),
            protect=block.protect or draft.spec.protect,
            companion=setting,
            azure=block.azure,
        )
    ]


def _digest(inputs: Mapping[str, Any]) -> str:
    return digest_of({"digest_version": DIGEST_VERSION, **inputs})


def _inputs(block: DeploymentBlock, model: ModelExport, size: str) -> dict[str, Any]:
    """Return the inputs of the name of a deployment: changing one of them requires a new deployment."""
    return drop_none(
        {
            "model": f"{model.name}@{model.digest[:12]}",
            "instance_type": size,
            "environment": block.environment,
            "environment_variables": {k: str(v) for k, v in sorted(block.environment_variables.items())} or None,
        }
    )


def _properties(draft: Draft, block: DeploymentBlock) -> dict[str, Any]:
    plain = {k: v for k, v in block.environment_variables.items() if isinstance(v, str)}
    return drop_none(
        {
            "instance_type": spelled(block.instance_type),
            "instance_count": block.instance_count
            if isinstance(block.instance_count, int) and not block.autoscale
            else None,
            "request_settings": _settings(block.request_settings),
            "liveness_probe": _settings(block.liveness_probe),
            "readiness_probe": _settings(block.readiness_probe),
            "environment_variables": plain or None,
            "app_insights_enabled": block.app_insights_enabled,
            "egress_public_network_access": block.egress_public_network_access,
            "description": block.description,
            "tags": draft.tags(block.tags),
        }
    )


def _settings(block: Any) -> Mapping[str, Any] | None:
    return block.model_dump(exclude_none=True) or None if block is not None else None


_ADD_MODEL = "Train a model (base_model, data, finetune), or refer to one: model: azureml:NAME:VERSION."
