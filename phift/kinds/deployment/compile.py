"""endpoint.main, deployment.main, traffic.main and test.*: from a registered model to an answering endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.address import Address
from phift.catalog.vm_sizes import spelled
from phift.compile.draft import Draft, drop_none
from phift.compile.naming import deployment_name, setting_name
from phift.digest import digest_of
from phift.kinds.deployment.data_collector import collected, collector_of
from phift.kinds.deployment.parts import IN_PLACE, REPLACE, DeploymentParts
from phift.spec import DeploymentBlock, EnvironmentBlock, EnvironmentRef, InitialCount, RolloutBlock, SecretRef
from phift.state.desired import Desired
from phift.state.exports import CodeExport, DeploymentExport, EndpointExport, EnvironmentExport, ModelExport
from phift.state.facts import ImportedNames

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
    code, environment, script = draft.first(CodeExport), draft.first(EnvironmentExport), block.code_configuration
    _require_container(draft, block, model)
    content = _content(draft, block)
    inputs = _inputs(block, model, content, spelled(block.instance_type))
    digest = _digest(inputs)
    # Release 0.1.0 used the spelling of the size in the spec for the name.
    written = {
        _digest(_inputs(block, model, content, size)) for size in (block.instance_type, block.instance_type.lower())
    }
    beside = rollout.strategy not in {IN_PLACE, REPLACE}
    imported = _imported(draft, {digest, *written}, beside=beside)
    secrets = {k: v for k, v in block.environment_variables.items() if isinstance(v, SecretRef)}
    usual = deployment_name(digest) if beside else IN_PLACE_NAME
    name = imported.deployment if imported else draft.named(DEPLOYMENT, usual) if beside else usual
    scale, count = block.autoscale, block.instance_count
    setting = (imported and imported.setting) or setting_name(endpoint.name, name, draft.facts.arm_id) if scale else ""
    initial = scale.start if scale else count.initial if isinstance(count, InitialCount) else None
    least = initial or (count if isinstance(count, int) else 1)
    most = scale.most if scale else least
    draft.export(DeploymentExport(DEPLOYMENT, name, beside, setting, least, most))
    if block.data_collector is not None:
        draft.notes += collected(block.data_collector, endpoint.name, name)
    parts_of_it = tuple(export.address for export in (code, environment) if export)
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
                environment=environment.address if environment else _reference(draft, block),
                code=code.address if code else script.asset if script else None,
                scoring_script=script.scoring_script if script else "",
                secrets=secrets,
                allow=block.allow,
            ),
            shown=drop_none(
                {
                    "model": inputs["model"],
                    **content,
                    "secrets": {k: str(v) for k, v in secrets.items()} or None,
                }
            ),
            depends_on=(endpoint.address, model.address, *parts_of_it),
            generated=endpoint.generated,
            former_names=()
            if imported or not beside
            else tuple(deployment_name(d) for d in sorted(written - {digest})),
            protect=block.protect or draft.spec.protect,
            companion=setting,
            azure=block.azure,
            adopt=draft.spec.adopts("deployment"),
        )
    ]


def _imported(draft: Draft, digests: set[str], *, beside: bool) -> ImportedNames | None:
    """Return the names of an imported deployment that the spec still describes. A deployment that is not created next
    to the old one changes under its name."""
    names = draft.facts.imported
    return names if names is not None and (names.digest in digests or not beside) else None


def _digest(inputs: Mapping[str, Any]) -> str:
    return digest_of({"digest_version": DIGEST_VERSION, **inputs})


def _content(draft: Draft, block: DeploymentBlock) -> dict[str, Any]:
    """Return the inputs of the name that describe the container: code and environment."""
    code, environment = draft.first(CodeExport), draft.first(EnvironmentExport)
    script = block.code_configuration
    source = code.digest if code else str(script.asset) if script and script.asset else None
    written = str(block.environment) if draft.facts.environment_as_written else _reference(draft, block)
    own = f"{environment.name}@{environment.digest}" if environment else written
    return drop_none(
        {
            "environment": own,
            "code_configuration": {"code": source, "scoring_script": script.scoring_script}
            if script and source is not None
            else None,
        }
    )


def _reference(draft: Draft, block: DeploymentBlock) -> str | None:
    """Return the environment that the spec refers to: as written if that is a version, otherwise the pinned version."""
    reference, pinned = block.environment, draft.facts.environment
    if not isinstance(reference, EnvironmentRef):
        return None
    return str(pinned) if reference.asset.floats and pinned is not None else str(reference)


def _require_container(draft: Draft, block: DeploymentBlock, model: ModelExport) -> None:
    """Add an error for a model that cannot be served without code, and for code without an environment."""
    if block.code_configuration is not None and block.environment is None:
        draft.error(
            "deployment.code_configuration",
            "a scoring script requires an environment",
            code="no-environment",
            detail="The service derives the environment of an MLflow model only if it also provides the script.",
            remedy="Add deployment.environment: a curated environment, azureml:NAME:VERSION, or {image, conda_file}.",
        )
    own_server = isinstance(block.environment, EnvironmentBlock) and block.environment.inference_config is not None
    bare = block.code_configuration is None and not own_server
    if model.type == "triton_model" and bare and draft.loaded.target.local:
        draft.error(
            "deployment",
            "the emulator does not have the server of Triton models",
            code="no-code",
            remedy="Plan for a workspace: --target NAME. Or add deployment.code_configuration and environment.",
        )
    if model.type == "custom_model" and bare:
        draft.error(
            "deployment",
            f"model {model.name} is of type custom_model: the deployment requires code_configuration",
            code="no-code",
            remedy="Add deployment.code_configuration and environment, or register an MLflow model.",
        )


def _inputs(block: DeploymentBlock, model: ModelExport, content: Mapping[str, Any], size: str) -> dict[str, Any]:
    """Return the inputs of the name of a deployment: changing one of them requires a new deployment."""
    return drop_none(
        {
            "model": f"{model.name}@{model.digest[:12]}",
            "instance_type": size,
            **content,
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
            "data_collector": collector_of(block.data_collector) if block.data_collector else None,
            "properties": block.properties or None,
            "description": block.description,
            "tags": draft.tags(block.tags),
        }
    )


def _settings(block: Any) -> Mapping[str, Any] | None:
    return block.model_dump(exclude_none=True) or None if block is not None else None


_ADD_MODEL = "Train a model (base_model, data, finetune), or refer to one: model: azureml:NAME:VERSION."
