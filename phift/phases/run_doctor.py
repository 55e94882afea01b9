"""Doctor: check the assumed and documented facts of Azure that a stack relies on, by read-only requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from phift import __version__, catalog
from phift.azure.rest import Rest
from phift.azure.session import Azure
from phift.catalog.vm_sizes import vm_size
from phift.clock import stamp
from phift.errors import AzureError
from phift.lock import lock_path, read_lock
from phift.phases.diagnosis import Diagnosis, Fact, Result
from phift.phases.recording import Recorder
from phift.preflight.permissions import BLOBS, SECRETS
from phift.spec import AssetRef, LoadedSpec
from phift.state.facts import Size, Usage, pool_of
from phift.state.permissions import ML, Needed, Permissions
from phift.workbench.request import Connector, Request, load

__all__ = ["doctor"]

_ARM = "management.azure.com"
_READ = "2024-10-01"
_WRITTEN = {
    "computes": ("2023-08-01-preview",),
    "jobs": ("2024-01-01-preview",),
    "data": ("2023-04-01-preview",),
    "models": ("2023-08-01-preview",),
    "onlineEndpoints": ("2023-04-01-preview",),
}
"""Collections, and the api-versions with which phift writes them."""
_DATA_PLANE = "2021-10-01-dataplanepreview"
_DIMENSIONS = {"RequestsPerMinute": ("deployment", "statusCode"), "RequestLatency": ("deployment",)}
_UTILIZATION = ("CpuUtilizationPercentage", "GpuUtilizationPercentage", "DeploymentCapacity")
_TAGS, _TAG_NAME, _TAG_VALUE = 50, 512, 256
_SKEW = 300.0
"""Seconds between the clocks that tokens and signatures bear."""


def doctor(request: Request, connect: Connector) -> Diagnosis:
    """Check each fact with GET requests only. Raises InvalidSpecError, and AzureError without a connection."""
    loaded = load(request)
    azure = connect(loaded).read_only()
    azure.document()  # an error here is that of every command
    look = _Look(loaded, azure)
    facts = tuple(fact for probe in _PROBES for fact in probe(look))
    recording = {
        "format_version": "1.0",
        "phift": __version__,
        "created": stamp(datetime.now(UTC))[:10],
        "local": azure.local,
        "facts": [{**asdict(fact), "result": fact.result.value} for fact in facts],
        "exchanges": [asdict(exchange) for exchange in look.recorder.exchanges],
    }
    workspace = "Azure ML emulator" if azure.local else azure.workspace.label
    return Diagnosis(loaded.stack, workspace, facts, recording)


class _Look:
    """What the probes read: the spec, the workspace, and answers, each once."""

    def __init__(self, loaded: LoadedSpec, azure: Azure) -> None:
        self.loaded = loaded
        self.azure = azure
        self.recorder = Recorder()
        self.base = azure.workspace.arm_id
        self._read: dict[str, tuple[dict[str, Any] | None, AzureError | None]] = {}

    def arm(
        self, path: str, api: str = _READ, *, names: bool = False
    ) -> tuple[dict[str, Any] | None, AzureError | None]:
        key = f"{path} {api}"
        if key not in self._read:
            self._read[key] = self.recorder.get(self.azure.arm, _ARM, path, api, names=names)
        return self._read[key]

    def below(self, path: str) -> list[dict[str, Any]]:
        """Return a page of a collection of the workspace; empty if it cannot be read."""
        found, _ = self.arm(f"{self.base}/{path}")
        return list((found or {}).get("value") or ())

    def region(self, collection: str) -> list[dict[str, Any]] | None:
        subscription = self.azure.workspace.subscription_id
        path = f"/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices"
        found, _ = self.arm(f"{path}/locations/{self.azure.location}/{collection}", names=True)
        return None if found is None else list(found.get("value") or ())

    @property
    def sizes(self) -> tuple[str, ...]:
        """The VM sizes of the spec."""
        spec = self.loaded.spec
        size = getattr(spec.compute.finetune, "size", None)
        serving = spec.deployment.instance_type if spec.deployment else None
        return tuple(dict.fromkeys(str(name) for name in (size, serving) if name))


def _fact(name: str, statement: str, source: str, holds: bool | None, seen: str, matters: str) -> Fact:
    result = Result.UNCHECKED if holds is None else Result.HOLDS if holds else Result.DIFFERS
    return Fact(name, statement, source, result, seen, matters)


def _workspace(look: _Look) -> Iterator[Fact]:
    found, error = look.arm(look.base)
    document = found or {}
    members = [
        m for m in ("discoveryUrl", "workspaceId", "storageAccount") if (document.get("properties") or {}).get(m)
    ]
    yield _fact(
        "workspace-document",
        "the document of a workspace has location, discoveryUrl, workspaceId and storageAccount",
        "recorded",
        bool(document.get("location")) and len(members) == 3,
        _failure(error) or f"location {document.get('location') or 'missing'}; {', '.join(members) or 'none of them'}",
        "The data plane and the region of quota and sizes follow from it.",
    )
    skew = abs((look.azure.now() - datetime.now(UTC)).total_seconds())
    yield _fact(
        "clock",
        "the clocks of the service and of this machine differ by less than five minutes",
        "documented",
        skew < _SKEW,
        f"{skew:.0f} s" if skew >= 10 else "less than 10 s",
        "Tokens and signatures of storage are rejected beyond that.",
    )


def _versions(look: _Look) -> Iterator[Fact]:
    for collection, written in _WRITTEN.items():
        for api in (_READ, *written):
            _, error = look.arm(f"{look.base}/{collection}", api)
            refused = error is not None and "version" in f"{error.code} {error.summary}".lower()
            yield _fact(
                f"api-version-{collection}-{api}",
                f"{collection} can be {'read' if api == _READ else 'written'} with api-version {api}",
                "SDK 1.35" if api != _READ else "documented",
                False if refused else None if error else True,
                _failure(error) or "accepted by a GET",
                "phift sends it; a version that Azure retires fails every request.",
            )


def _regional(look: _Look) -> Iterator[Fact]:
    listed = look.region("vmSizes")
    by_name = {str(d.get("name", "")).lower(): d for d in listed or ()}
    for name in look.sizes:
        document = by_name.get(name.lower())
        known = vm_size(name)
        size = Size.from_document(document) if document else None
        same = None if size is None or known is None else (size.vcpus, size.gpus) == (known.vcpus, known.gpus)
        yield _fact(
            f"size-{name}",
            f"the region offers {name}, with the vCPUs and GPUs of phift's catalogue",
            "catalogue",
            None if listed is None else document is not None and same is not False,
            "not listed" if size is None else f"{size.vcpus} vCPUs, {_gpus(size)}, for {', '.join(size.computes)}",
            "The number of processes of a training, and the quota, follow from it.",
        )
        prices = ((document or {}).get("estimatedVMPrices") or {}).get("values") or []
        linux = [p for p in prices if str(p.get("osType")).lower() == "linux"]
        tiers = {str(p.get("vmTier")).lower(): p.get("retailPrice") for p in linux}
        yield _fact(
            f"price-{name}",
            f"the workspace lists a Linux price of {name} by the hour, dedicated and low priority",
            "assumed",
            None if document is None else {"standard", "lowpriority"} <= set(tiers),
            ", ".join(f"{tier} {price}" for tier, price in tiers.items()) or "no prices",
            "Estimates of costs use it first; without it, retail prices.",
        )
        yield _pools(look, name, size)


def _gpus(size: Size) -> str:
    return "1 GPU" if size.gpus == 1 else f"{size.gpus} GPUs"


def _pools(look: _Look, name: str, size: Size | None) -> Fact:
    listed = look.region("usages")
    usages = {u.pool: u for d in listed or () if (u := Usage.from_document(d))}
    pool = pool_of(size.family) if size and size.family else ""
    return _fact(
        f"quota-{name}",
        f"the usages of the region have a row for the family of {name}",
        "documented; the two spellings of a family are recorded",
        None if listed is None or not pool else pool in usages,
        f"{usages[pool].used} of {usages[pool].limit}" if pool in usages else "no row" if pool else "no family",
        "The plan checks the quota with this row.",
    )


def _permissions(look: _Look) -> Iterator[Fact]:
    group = look.base.partition("/providers/")[0]
    for name, scope in (("resource group", group), ("workspace", look.base)):
        found, error = look.arm(f"{scope}/providers/Microsoft.Authorization/permissions", "2022-04-01")
        roles = Permissions.from_documents((found or {}).get("value") or ())
        yield _fact(
            f"permissions-{name.replace(' ', '-')}",
            f"an identity can read its own roles at the {name}",
            "documented",
            error is None and found is not None,
            _failure(error) or f"{len(roles.roles)} roles",
            "The plan reports missing actions instead of the apply.",
        )
        if error is None:
            wanted = (Needed(f"{ML}/jobs/write"), Needed(f"{ML}/computes/write"), SECRETS, BLOBS)
            lacks = [need.action for need in wanted if not roles.allows(need)]
            yield _fact(
                f"roles-{name.replace(' ', '-')}",
                f"the roles at the {name} allow jobs, clusters, and the storage of the workspace",
                "the caller's",
                not lacks,
                f"lacks {', '.join(lacks)}" if lacks else "all of them",
                "Applies of this identity need them, as far as a plan requires it.",
            )


def _storage(look: _Look) -> Iterator[Fact]:
    found, error = look.arm(f"{look.base}/datastores/workspaceblobstore")
    properties = (found or {}).get("properties") or {}
    kind = str((properties.get("credentials") or {}).get("credentialsType") or "")
    yield _fact(
        "default-datastore",
        "the workspace has the datastore workspaceblobstore, with account, container and type of credentials",
        "recorded",
        error is None and bool(properties.get("accountName") and properties.get("containerName") and kind),
        _failure(error) or f"credentials {kind or 'missing'}",
        "The ledger and the data are stored there.",
    )


def _tags(look: _Look) -> Iterator[Fact]:
    tags = [
        item.get("tags") or {} for item in (*look.below("computes"), *look.below("onlineEndpoints")) if item.get("tags")
    ]
    pairs = [(len(name), len(str(value))) for each in tags for name, value in each.items()]
    longest = (max((n for n, _ in pairs), default=0), max((v for _, v in pairs), default=0))
    most = max(map(len, tags), default=0)
    yield _fact(
        "tag-limits",
        f"a resource has at most {_TAGS} tags, with {_TAG_NAME} characters of a name and {_TAG_VALUE} of a value",
        "documented",
        None if not tags else most <= _TAGS and longest[0] <= _TAG_NAME and longest[1] <= _TAG_VALUE,
        f"{len(tags)} resources with tags: at most {most}, names up to {longest[0]}, values up to {longest[1]}"
        if tags
        else "no resource with tags",
        "phift identifies its resources by tags, and needs some of them.",
    )


def _metrics(look: _Look) -> Iterator[Fact]:
    endpoints = look.below("onlineEndpoints")
    if not endpoints:
        yield _fact(
            "metrics", "an endpoint has the metrics that rollouts and autoscale read", "documented", None,
            "no endpoint in the workspace", "Deploy one, then re-run phift doctor.",
        )  # fmt: skip
        return
    path = f"{look.base}/onlineEndpoints/{endpoints[0]['name']}"
    yield from _defined(look, path, "endpoint", _DIMENSIONS)
    deployments = look.below(f"onlineEndpoints/{endpoints[0]['name']}/deployments")
    if deployments:
        wanted: dict[str, tuple[str, ...]] = dict.fromkeys(_UTILIZATION, ())
        yield from _defined(look, f"{path}/deployments/{deployments[0]['name']}", "deployment", wanted)


def _defined(look: _Look, path: str, what: str, wanted: Mapping[str, Sequence[str]]) -> Iterator[Fact]:
    found, error = look.arm(f"{path}/providers/microsoft.insights/metricDefinitions", "2018-01-01", names=True)
    defined = {
        str((d.get("name") or {}).get("value")): [str(each.get("value")) for each in d.get("dimensions") or ()]
        for d in (found or {}).get("value") or ()
    }
    for name, dimensions in wanted.items():
        yield _fact(
            f"metric-{what}-{name}",
            f"the metric {name} of an {what}" if what == "endpoint" else f"the metric {name} of a {what}",
            "documented",
            None if error else name in defined and set(dimensions) <= set(defined[name]),
            _failure(error)
            or (f"dimensions {', '.join(defined[name]) or 'none'}" if name in defined else "not defined"),
            "Rules of autoscale, and gates of a rollout, read it"
            + (f" by {' and '.join(dimensions)}." if dimensions else "."),
        )


def _registry(look: _Look) -> Iterator[Fact]:
    spec = look.loaded.spec
    lock = read_lock(lock_path(look.loaded.path)).stacks.get(look.loaded.stack)
    model = spec.base_model
    if isinstance(model, AssetRef) and model.registry:
        pin = lock.model_for(str(model)) if lock else None
        yield from _model(look, model, model.version or (pin.version if pin else None))
    component = spec.finetune.component if spec.finetune else None
    if isinstance(component, AssetRef) and component.registry:
        found_pin = lock.component_for(str(component)) if lock else None
        yield from _component(look, component, component.version or (found_pin.version if found_pin else None))


def _asset(look: _Look, kind: str, ref: AssetRef, version: str | None) -> tuple[dict[str, Any] | None, str]:
    """Return a version of an asset of a registry, the newest without one; and a failure."""
    try:
        rest: Rest = look.azure.registry(ref.registry or "")
    except AzureError as error:
        return None, _failure(error)
    host = "registry"
    if version is None:
        newest = {"$orderBy": "createdtime desc", "$top": "1"}
        found, failed = look.recorder.get(rest, host, f"{kind}/{ref.name}/versions", _DATA_PLANE, query=newest)
        items = (found or {}).get("value") or []
        return (items[0], "") if items else (None, _failure(failed) or "no version")
    found, failed = look.recorder.get(rest, host, f"{kind}/{ref.name}/versions/{version}", _DATA_PLANE)
    return found, _failure(failed)


def _model(look: _Look, model: AssetRef, version: str | None) -> Iterator[Fact]:
    document, failed = _asset(look, "models", model, version)
    properties = (document or {}).get("properties") or {}
    metadata, tags = properties.get("systemMetadata") or {}, properties.get("tags") or {}
    lists = [
        where
        for where, there in (
            ("system metadata", bool((metadata.get("supportedComputes") or {}).get("finetuneComputes"))),
            ("tags", bool(tags.get("finetune_compute_allow_list"))),
        )
        if there
    ]
    yield _fact(
        "model-allow-list",
        f"{_shown(model)} publishes its VM sizes for fine-tuning in system metadata or tags",
        "recorded",
        None if document is None else bool(lists),
        failed or " and ".join(lists) or "neither",
        "The plan checks sizes with it; without it, with phift's catalogue.",
    )
    yield _fact(
        "model-defaults",
        f"{_shown(model)} publishes recommended parameters in its tag model_specific_defaults",
        "recorded",
        None if document is None else "model_specific_defaults" in tags,
        failed or ("present" if "model_specific_defaults" in tags else "missing"),
        "They complete the parameters of the spec.",
    )


def _component(look: _Look, component: AssetRef, version: str | None) -> Iterator[Fact]:
    document, failed = _asset(look, "components", component, version)
    inputs = (((document or {}).get("properties") or {}).get("componentSpec") or {}).get("inputs") or {}
    known = catalog.component(component.name)
    missing = sorted(set(known.inputs) - set(inputs)) if known and inputs else []
    yield _fact(
        "component-interface",
        f"{_shown(component)} has the inputs that phift's catalogue lists",
        "catalogue",
        None if document is None or known is None else bool(inputs) and not missing,
        failed or (f"missing: {', '.join(missing[:5])}" if missing else f"{len(inputs)} inputs"),
        "The plan takes the published interface; `phift validate` without a lock file, that of the catalogue.",
    )


def _shown(ref: AssetRef) -> str:
    """Return the name of a public asset; others are not named in a recording."""
    return ref.name if ref.registry == "azureml" else f"the {ref.kind.removesuffix('s') or 'asset'} of the registry"


def _failure(error: AzureError | None) -> str:
    """Return how a request failed, without its URL."""
    return "" if error is None else f"HTTP {error.status or '(no answer)'} {error.code or ''}".rstrip()


_PROBES: tuple[Callable[[_Look], Iterator[Fact]], ...] = (
    _workspace,
    _versions,
    _regional,
    _permissions,
    _storage,
    _tags,
    _metrics,
    _registry,
)
