"""Reads that every plan of a spec takes, begun before anything asks for them.

Each answer takes a trip to the service. Reads that wait for each other make nine trips one after another; begun as
soon as what they need is known, they make four:

    token | workspace, registries, lists | VM sizes, registry documents | data and model versions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from phift.compile.naming import endpoint_name
from phift.kinds.shared.wire import READ
from phift.lock import StackLock
from phift.spec import LoadedSpec
from phift.workbench.parallel import reading
from phift.workbench.sessions import Session

__all__ = ["reading_ahead"]


@contextmanager
def reading_ahead(loaded: LoadedSpec, session: Session, pinned: StackLock) -> Iterator[None]:
    """Begins the reads; at the end of the block they are done. What fails fails again for whoever needs it."""
    reads = list(_reads(loaded, session, pinned))
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
    if (model := spec.base_model) and (model_pin := pinned.model_for(str(model))):
        yield lambda: remote.base_model(model.registry or "", model.name, model_pin.version)
    if spec.finetune and (component_pin := pinned.component_for(str(spec.finetune.component))):
        component = spec.finetune.component
        yield lambda: remote.component(component.registry or "", component.name, component_pin.version)
    yield listed("computes")
    if spec.endpoint is not None or spec.deployment is not None:
        yield listed("onlineEndpoints")
        if pinned != StackLock():  # planned before: there may be deployments
            name = (spec.endpoint and spec.endpoint.name) or endpoint_name(loaded.stack, base)
            yield listed(f"onlineEndpoints/{name}/deployments")
