"""endpoint.main, deployment.main, traffic.main and test.*: from a registered model to an answering endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.address import Address
from phift.catalog.vm_sizes import spelled
from phift.compile.desired import Desired
from phift.compile.draft import Draft, without_nothing
from phift.compile.naming import deployment_name, endpoint_name
from phift.digest import digest_of
from phift.spec import DeploymentBlock, EndpointBlock, InitialCount, RolloutBlock, SecretRef

__all__ = ["DIGEST_VERSION", "deployment", "endpoint", "tests", "traffic"]

DIGEST_VERSION = 1
"""Part of every deployment's digest: another number would replace every deployment."""

ENDPOINT = Address("endpoint", "main")
DEPLOYMENT = Address("deployment", "main")
TRAFFIC = Address("traffic", "main")
IN_PLACE_NAME = "main"
"""The deployment's name where it is not replaced by another beside it."""


def endpoint(draft: Draft) -> list[Desired]:
    """The endpoint, where the spec has one."""
    block = draft.spec.endpoint
    if block is None:
        if draft.spec.deployment is not None:
            draft.find("deployment", "there is a deployment and no endpoint", code="no-endpoint", remedy=_ADD_ENDPOINT)
        return []
    if draft.spec.deployment is None:
        draft.find("endpoint", "there is an endpoint and no deployment", code="no-deployment", remedy=_ADD_DEPLOYMENT)
    return [
        Desired(
            address=ENDPOINT,
            name=block.name or draft.named(ENDPOINT, endpoint_name(draft.stack, draft.facts.arm_id)),
            properties=without_nothing(
                {
                    "auth_mode": block.auth_mode,
                    "public_network_access": block.public_network_access,
                    "identity": _identity(block),
                    "description": block.description or draft.spec.description,
                    "tags": draft.tags(block.tags),
                }
            ),
            # Its removal would take the deployments along.
            protect=block.protect
            or (draft.spec.deployment is not None and draft.spec.deployment.protect)
            or draft.spec.protect,
            azure=block.azure,
            generated=block.name is None,
            former_names=() if block.name else tuple(endpoint_name(s, draft.facts.arm_id) for s in draft.former),
            adopt=draft.spec.adopts("endpoint"),
        )
    ]


def deployment(draft: Draft) -> list[Desired]:
    """The deployment of the stack's model, named by what cannot change without a new one."""
    block, there, model = draft.spec.deployment, draft.made("endpoint", "main"), draft.of_kind("model")
    if block is None or there is None:
        return []
    if not model:
        draft.find("deployment", "there is no model to deploy", code="no-model", remedy=_ADD_MODEL)
        return []
    rollout = draft.spec.rollout or RolloutBlock()
    inputs = _inputs(block, model[0], spelled(block.instance_type))
    digest = _digest(inputs)
    # Release 0.1.0 named it by the size as it was written.
    written = {_digest(_inputs(block, model[0], size)) for size in (block.instance_type, block.instance_type.lower())}
    fixed = rollout.strategy in {"in_place", "replace"}
    secrets = {k: v for k, v in block.environment_variables.items() if isinstance(v, SecretRef)}
    return [
        Desired(
            address=DEPLOYMENT,
            name=IN_PLACE_NAME if fixed else draft.named(DEPLOYMENT, deployment_name(digest)),
            properties=_properties(draft, block),
            digest=digest,
            inputs=inputs,
            parts={
                "endpoint": there.name,
                "model": model[0].address,
                "strategy": rollout.strategy,
                "keep_previous": rollout.keep_previous,
                "initial_count": block.instance_count.initial
                if isinstance(block.instance_count, InitialCount)
                else None,
                "environment": block.environment,
                "secrets": secrets,
                "allow": block.allow,
                "shown": without_nothing(
                    {"model": inputs["model"], "secrets": {k: str(v) for k, v in secrets.items()} or None}
                ),
            },
            depends_on=(there.address, model[0].address),
            generated=there.generated,
            former_names=() if fixed else tuple(deployment_name(d) for d in sorted(written - {digest})),
            protect=block.protect or draft.spec.protect,
            azure=block.azure,
        )
    ]


def tests(draft: Draft) -> list[Desired]:
    """The requests that a new deployment must answer before it gets traffic."""
    there, target = draft.made("endpoint", "main"), draft.made("deployment", "main")
    if there is None or target is None:
        return []
    made = []
    for name, block in draft.spec.tests.items():
        facts = draft.facts.data.get(f"tests.{name}") or draft.facts.data.get("sample") or draft.facts.data.get("test")
        if facts is None or facts.recipe is None:
            draft.find(
                f"tests.{name}",
                f"test {name} has no rows to send",
                code="no-test-rows",
                remedy=f"Write data: {{sample: {{path: FILE}}}}, or tests: {{{name}: {{path: FILE}}}}.",
            )
            continue
        made.append(
            Desired(
                address=Address("test", name),
                name=name,
                properties={"rows": block.rows, "parameters": block.parameters},
                parts={
                    "recipe": facts.recipe,
                    "endpoint": there.name,
                    "deployment": target.name,
                    "max_seconds": block.max_seconds,
                    "expect": block.expect.model_dump(exclude_none=True) if block.expect else {},
                    "strategy": target.parts["strategy"],
                },
                depends_on=(target.address,),
            )
        )
    return made


def traffic(draft: Draft) -> list[Desired]:
    """All traffic that is ours to the deployment, after its tests; nothing where the split is left to others."""
    there, target = draft.made("endpoint", "main"), draft.made("deployment", "main")
    rollout = draft.spec.rollout or RolloutBlock()
    if there is None or target is None or rollout.traffic == "unmanaged":
        return []
    after = (target.address, *(t.address for t in draft.of_kind("test")))
    return [Desired(TRAFFIC, there.name, {"traffic": {target.name: 100}}, depends_on=after)]


def _digest(inputs: Mapping[str, Any]) -> str:
    return digest_of({"digest_version": DIGEST_VERSION, **inputs})


def _inputs(block: DeploymentBlock, model: Desired, size: str) -> dict[str, Any]:
    """What a deployment's name covers: change one of these and it is another deployment."""
    return without_nothing(
        {
            "model": f"{model.name}@{model.digest[:12]}",
            "instance_type": size,
            "environment": block.environment,
            "environment_variables": {k: str(v) for k, v in sorted(block.environment_variables.items())} or None,
        }
    )


def _properties(draft: Draft, block: DeploymentBlock) -> dict[str, Any]:
    plain = {k: v for k, v in block.environment_variables.items() if isinstance(v, str)}
    return without_nothing(
        {
            "instance_type": spelled(block.instance_type),
            "instance_count": None if isinstance(block.instance_count, InitialCount) else block.instance_count,
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


def _identity(block: EndpointBlock) -> Mapping[str, Any] | None:
    if block.identity is None:
        return None
    return without_nothing(
        {
            "type": block.identity.type,
            "user_assigned_identities": list(block.identity.user_assigned_identities) or None,
        }
    )


_ADD_ENDPOINT = "Write endpoint: {auth_mode: key}."
_ADD_DEPLOYMENT = "Write deployment: {instance_type: SIZE, instance_count: 1}."
_ADD_MODEL = "Train one (base_model, data, finetune) or name one: model: azureml:NAME:VERSION."
