"""Checks of deployments: their VM size, their number on the endpoint, and deployments of others."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic, Severity
from phift.kinds.check import check, has
from phift.kinds.deployment.parts import DeploymentObservation, DeploymentParts
from phift.kinds.deployment.serving_model import serving_model
from phift.kinds.shared.sizes import availability, size_findings
from phift.kinds.subject import Subject
from phift.plan.action import Action, ChangeAction
from phift.spec import AssetRef
from phift.state.desired import Desired

__all__ = ["code_exists", "deployment_count", "others_kept", "size_allowed", "size_offered"]

_MOST = 20
"""Maximum number of deployments of an endpoint (Azure docs)."""


@check(
    "deployments-of-others", reads="deployments of the endpoint", source="deployment list", applies=has("deployment")
)
def others_kept(subject: Subject) -> Iterator[Diagnostic]:
    """others-on-endpoint."""
    hosts = {r.address: r for r in subject.planned if r.action is Action.REPLACE}
    for deployment in subject.stack.of_kind("deployment"):
        seen = subject.observed.get(deployment.address)
        host = next((hosts[a] for a in deployment.depends_on if a in hosts), None)
        if host is None or not isinstance(seen, DeploymentObservation) or not seen.guests:
            continue
        forced = ", ".join(c.path for c in host.changes if c.action is ChangeAction.REPLACE)
        finding = Diagnostic(
            f"replacing {host.address} would delete deployments of others: {', '.join(seen.guests)}",
            detail=f"{forced or 'Its state'}: {host.reason}.",
            remedy="Restore the former value in the spec, or move these deployments to another endpoint.",
            address=str(host.address),
            code="others-on-endpoint",
        )
        yield subject.at("endpoint", finding)


@check("deployment-code", reads="the code version", source="the workspace", applies=has("deployment"))
def code_exists(subject: Subject) -> Iterator[Diagnostic]:
    """code-missing: of registered code that a new deployment refers to."""
    for deployment in subject.stack.of_kind("deployment"):
        code = deployment.parts.code
        if not isinstance(code, AssetRef) or code.version is None:
            continue
        if subject.action(deployment) in {Action.CREATE, Action.REPLACE} and not subject.remote.code(
            code.name, code.version
        ):
            yield subject.at(
                "deployment.code_configuration.code",
                Diagnostic(
                    f"code {code.name}:{code.version} not found in the workspace",
                    remedy="Write the path of a folder, which phift uploads, or fix the name.",
                    address=str(deployment.address),
                    code="code-missing",
                ),
            )


@check(
    "deployment-size-allowed",
    reads="VM size allow-lists for serving",
    source="registry document of the model, phift's catalogue, the spec",
    unknown=("no-list-known",),
    applies=has("deployment"),
)
def size_allowed(subject: Subject) -> Iterator[Diagnostic]:
    """size-not-allowed, size-not-in-spec-list, no-list-known."""
    for deployment in subject.stack.of_kind("deployment"):
        size, parts = str(deployment.properties["instance_type"]), deployment.parts
        model = serving_model(subject, deployment)
        address, published = str(deployment.address), not _of_own_files(subject, deployment)
        for finding in size_findings(
            size, model, "inference", parts.allow, address, subject.facts, published=published
        ):
            if finding.severity is not Severity.ERROR or not _runs(subject, deployment, size):
                yield subject.at("deployment.instance_type", finding)


@check(
    "deployment-size-offered",
    reads="sizes that the region offers, and their retirement dates",
    source="VM sizes of the region, phift's catalogue",
    applies=has("deployment"),
)
def size_offered(subject: Subject) -> Iterator[Diagnostic]:
    """size-retired, size-retiring, size-unknown, size-unsupported."""
    for deployment in subject.stack.of_kind("deployment"):
        name, allow = str(deployment.properties["instance_type"]), deployment.parts.allow
        writes = subject.action(deployment).changes_something
        model, address = serving_model(subject, deployment), str(deployment.address)
        for finding in availability(name, subject.facts, "inference", allow, address, writes=writes, model=model):
            yield subject.at("deployment.instance_type", finding)


@check("deployment-count", reads="deployments of the endpoint", source="the workspace", applies=has("deployment"))
def deployment_count(subject: Subject) -> Iterator[Diagnostic]:
    """too-many-deployments."""
    for deployment in subject.stack.of_kind("deployment"):
        seen = subject.observed.get(deployment.address)
        if not isinstance(seen, DeploymentObservation) or subject.action(deployment) is not Action.CREATE:
            continue
        if seen.count >= _MOST:
            yield subject.at(
                "deployment",
                Diagnostic(
                    f"endpoint {deployment.parts.endpoint} has {seen.count} deployments; at most {_MOST} are allowed",
                    detail="The new deployment is created before an old one is deleted.",
                    remedy="Delete some: `az ml online-deployment delete`, or lower rollout.keep_previous.",
                    address=str(deployment.address),
                    code="too-many-deployments",
                ),
            )


def _runs(subject: Subject, deployment: Desired[DeploymentParts], size: str) -> bool:
    """Return whether the deployment runs on instances of the size already, such as an imported one."""
    live, action = subject.live(deployment), subject.action(deployment)
    replaced = action in {Action.CREATE, Action.REPLACE}
    return live is not None and not replaced and str(live.properties.get("instance_type")).lower() == size.lower()


def _of_own_files(subject: Subject, deployment: Desired[DeploymentParts]) -> bool:
    """Return whether the spec itself registers the files that are served."""
    model = subject.stack.resource(deployment.parts.model) if deployment.parts.model else None
    return subject.facts.base_model is None and model is not None and model.owned
