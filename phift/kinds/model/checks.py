"""Check that the model of a serve-only spec exists, and that the files to register do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phift.diagnostics import Diagnostic, Severity
from phift.errors import InvalidSpecError
from phift.kinds.check import check, has
from phift.kinds.model.parts import FileParts, ReferenceParts
from phift.kinds.subject import Subject
from phift.plan.action import Action
from phift.spec import DatastoreRef
from phift.state.states import Provisioning

__all__ = ["registered_files", "served_model"]

_OF_A_JOB = re.compile(r"azureml://jobs/(?P<job>[^/]+)/outputs/.+|runs:/(?P<run>[^/]+)/.+", re.IGNORECASE)


@check("served-model", reads="the model version", source="the workspace or the registry", applies=has("model"))
def served_model(subject: Subject) -> Iterator[Diagnostic]:
    """model-missing, model-archived."""
    for desired in subject.stack.of_kind("model"):
        live = subject.live(desired)
        if desired.owned or (live is not None and live.state != Provisioning.ARCHIVED):
            continue
        reference: ReferenceParts = desired.parts
        what = f"{desired.name}:{reference.version}"
        where = f"registry {reference.registry}" if reference.registry else "the workspace"
        # An existing deployment continues to serve an archived model.
        serving = live is not None and not any(
            subject.action(one) in {Action.CREATE, Action.REPLACE} for one in subject.stack.dependents(desired.address)
        )
        restore = f"Restore it: `az ml model restore --name {desired.name} --version {reference.version}`"
        yield subject.at(
            "model",
            Diagnostic(
                f"model {what} not found in {where}" if live is None else f"model {what} is archived",
                Severity.WARNING if serving else Severity.ERROR,
                detail="Its deployment continues to serve it; a new deployment is rejected." if serving else "",
                remedy="To list the models, run `az ml model list`." if live is None else restore,
                address=str(desired.address),
                code="model-missing" if live is None else "model-archived",
            ),
        )


@check(
    "model-files", reads="the files in Azure that are registered", source="the datastore, the job", applies=has("model")
)
def registered_files(subject: Subject) -> Iterator[Diagnostic]:
    """model-files-missing: of a model that is registered from a path in Azure."""
    served = subject.loaded.spec.served
    for desired in subject.stack.of_kind("model"):
        parts = desired.parts
        if not isinstance(parts, FileParts) or not parts.uri or subject.action(desired) is not Action.CREATE:
            continue
        if summary := _missing(subject, parts.uri):
            yield subject.at(
                f"{served[0] if served else 'model'}.path",
                Diagnostic(
                    summary,
                    remedy="Write azureml://datastores/NAME/paths/PATH, azureml://jobs/NAME/outputs/OUTPUT, "
                    "or the path of a local folder.",
                    address=str(desired.address),
                    code="model-files-missing",
                ),
            )


def _missing(subject: Subject, uri: str) -> str:
    """Return why files cannot be registered; "" if they exist, or if that is not known."""
    if found := _OF_A_JOB.fullmatch(uri):
        name = found["job"] or found["run"]
        return "" if subject.remote.job(name) else f"job {name} not found in the workspace"
    if not uri.startswith("azureml:"):
        return ""  # rejected as a path of a model
    try:
        place = DatastoreRef.parse(uri)
    except ValueError:
        return f"{uri} is not a path in the workspace"
    here = subject.remote.workspace
    if place.workspace is not None and place.workspace.arm_id.lower() != here.arm_id.lower():
        return f"{place} is in another workspace, {place.workspace.name}"
    try:
        stored = subject.remote.stored(place.store, place.path)
    except InvalidSpecError as error:
        return error.diagnostics[0].summary
    return f"no file or folder {place.path} in datastore {place.store}" if stored is False else ""
