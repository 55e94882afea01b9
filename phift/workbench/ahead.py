"""Prefetch of the reads that every plan of a spec needs.

Each read is a round trip to the service. Sequential reads take nine round trips; started as soon as their inputs are
known, they take four:

    token | workspace, registries, lists, roles | VM sizes, registry documents | data and model versions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from phift.compile.naming import endpoint_name
from phift.kinds.shared.monitor import SETTINGS_API, settings_path
from phift.kinds.shared.wire import READ
from phift.lock import StackLock
from phift.spec import AssetRef, LoadedSpec
from phift.workbench.parallel import reading
from phift.workbench.sessions import Session

__all__ = ["reading_ahead"]


@contextmanager
def reading_ahead(loaded: LoadedSpec, session: Session, pinned: StackLock, *, planning: bool = False) -> Iterator[None]:
    """Start the reads; they are finished at the end of the block. planning: read the roles of the caller too.

    An error is raised again where the result is needed.
    """
    reads = list(_reads(loaded, session, pinned))
    if planning:
        reads.append(session.remote.permissions)
    with reading(len(reads)) as pool:
        for read in reads:
            pool.submit(read)
        yield


def _reads(loaded: LoadedSpec, session: Session, pinned: StackLock) -> Iterator[Callable[[], object]]:
    spec, azure, remote = loaded.spec, session.azure, session.remote
    base = azure.workspace.arm_id

    def listed(path: str) -> Callable[[], object]:
        return lambda: session.snapshot.items(azure, f"{base}/{path}", READ)

    yield azure.document
    yield remote.sizes
    model = spec.base_model
    if isinstance(model, AssetRef) and (model_pin := pinned.model_for(str(model))):
        yield lambda: remote.base_model(model.registry or "", model.name, model_pin.version)
    if spec.finetune and (component_pin := pinned.component_for(str(spec.finetune.component))):
        component = spec.finetune.component
        yield lambda: remote.component(component.registry or "", component.name, component_pin.version)
    yield listed("computes")
    if spec.endpoint is not None or spec.deployment is not None:
        yield listed("onlineEndpoints")
        if pinned != StackLock():  # planned before: deployments may exist
            name = (spec.endpoint and spec.endpoint.name) or endpoint_name(loaded.stack, base)
            yield listed(f"onlineEndpoints/{name}/deployments")
    if spec.deployment is not None and spec.deployment.autoscale is not None:
        yield lambda: session.snapshot.items(azure, settings_path(azure.workspace), SETTINGS_API)
