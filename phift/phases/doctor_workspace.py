"""The facts of the workspace, its region and its endpoints that doctor checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from phift.catalog.vm_sizes import vm_size
from phift.errors import AzureError
from phift.kinds.code.wire import CodeWire
from phift.kinds.compute.wire import WRITE as COMPUTES
from phift.kinds.data.wire import DataWire
from phift.kinds.deployment.wire import WRITE as DEPLOYMENTS
from phift.kinds.environment.wire import EnvironmentWire
from phift.kinds.job.wire import WRITE as JOBS
from phift.kinds.model.wire import WRITE as MODELS
from phift.kinds.shared.monitor import SETTINGS_API, settings_path
from phift.kinds.shared.online import WRITE as ENDPOINTS
from phift.kinds.shared.wire import READ
from phift.phases.doctor_look import Fact, Look, fact, failure
from phift.preflight.permissions import BLOBS, SECRETS
from phift.state.facts import Size, Usage, pool_of
from phift.state.permissions import ML, Needed, Permissions

__all__ = ["metrics", "permissions", "regional", "storage", "tags", "versions", "workspace"]

_WRITTEN = {
    "computes": COMPUTES,
    "jobs": JOBS,
    "data": DataWire.api_version,
    "models": MODELS,
    "codes": CodeWire.api_version,
    "environments": EnvironmentWire.api_version,
    "onlineEndpoints": ENDPOINTS,
}
"""Collections of the workspace, and the api-version with which phift writes them."""
_DIMENSIONS = {"RequestsPerMinute": ("deployment", "statusCode"), "RequestLatency": ("deployment",)}
_UTILIZATION = ("CpuUtilizationPercentage", "GpuUtilizationPercentage", "DeploymentCapacity")
_TAGS, _TAG_NAME, _TAG_VALUE = 50, 512, 256
_SKEW = 300.0
"""Seconds between the clocks that tokens and signatures bear."""


def workspace(look: Look) -> Iterator[Fact]:
    found, error = look.arm(look.base)
    document = found or {}
    members = [
        m for m in ("discoveryUrl", "workspaceId", "storageAccount") if (document.get("properties") or {}).get(m)
    ]
    yield fact(
        "workspace-document",
        "the document of a workspace has location, discoveryUrl, workspaceId and storageAccount",
        "recorded",
        bool(document.get("location")) and len(members) == 3,
        failure(error) or f"location {document.get('location') or 'missing'}; {', '.join(members) or 'none of them'}",
        "The data plane and the region of quota and sizes follow from it.",
    )
    skew = abs((look.azure.now() - datetime.now(UTC)).total_seconds())
    yield fact(
        "clock",
        "the clocks of the service and of this machine differ by less than five minutes",
        "documented",
        skew < _SKEW,
        f"{skew:.0f} s" if skew >= 10 else "less than 10 s",
        "Tokens and signatures of storage are rejected beyond that.",
    )


def versions(look: Look) -> Iterator[Fact]:
    sent = [
        (f"{look.base}/{collection}", collection, api)
        for collection, written in _WRITTEN.items()
        for api in (READ, written)
    ]
    yield from look.side_by_side(lambda one: _version(look, *one), sent)
    if endpoints := look.below("onlineEndpoints"):
        path = f"{look.base}/onlineEndpoints/{endpoints[0]['name']}/deployments"
        yield _version(look, path, "deployments", DEPLOYMENTS)
    if look.loaded.spec.deployment and look.loaded.spec.deployment.autoscale:
        yield _version(look, settings_path(look.azure.workspace), "autoscaleSettings", SETTINGS_API)


def _version(look: Look, path: str, collection: str, api: str) -> Fact:
    _, error = look.arm(path, api)
    refused = error is not None and "version" in f"{error.code} {error.summary}".lower()
    return fact(
        f"api-version-{collection}-{api}",
        f"{collection} can be {'read' if api == READ else 'written'} with api-version {api}",
        "documented" if api in (READ, SETTINGS_API) else "SDK 1.35",
        False if refused else None if error else True,
        failure(error) or "accepted by a GET",
        "phift sends it; a version that Azure retires fails every request.",
    )


def regional(look: Look) -> Iterator[Fact]:
    listed, error = look.region("vmSizes")
    by_name = {str(d.get("name", "")).lower(): d for d in listed or ()}
    for name in look.sizes:
        document = by_name.get(name.lower())
        known = vm_size(name)
        size = Size.from_document(document) if document else None
        same = None if size is None or known is None else (size.vcpus, size.gpus) == (known.vcpus, known.gpus)
        yield fact(
            f"size-{name}",
            f"the region offers {name}, with the vCPUs and GPUs of phift's catalogue",
            "catalogue",
            None if listed is None else document is not None and same is not False,
            failure(error)
            or ("not listed" if size is None else f"{size.vcpus} vCPUs, {_gpus(size)}, for {', '.join(size.computes)}"),
            "The number of processes of a training, and the quota, follow from it.",
        )
        prices = ((document or {}).get("estimatedVMPrices") or {}).get("values") or []
        linux = [p for p in prices if str(p.get("osType")).lower() == "linux"]
        tiers = {str(p.get("vmTier")).lower(): p.get("retailPrice") for p in linux}
        yield fact(
            f"price-{name}",
            f"the workspace lists a Linux price of {name} by the hour, dedicated and low priority",
            "assumed",
            None if document is None else {"standard", "lowpriority"} <= set(tiers),
            failure(error) or ", ".join(f"{tier} {price}" for tier, price in tiers.items()) or "no prices",
            "Estimates of costs use it first; without it, retail prices.",
        )
        yield _pools(look, name, size, error)


def _pools(look: Look, name: str, size: Size | None, unread: AzureError | None) -> Fact:
    """Return the fact of the quota of a size. unread: why the sizes could not be read."""
    listed, error = look.region("usages")
    usages = {u.pool: u for d in listed or () if (u := Usage.from_document(d))}
    pool = pool_of(size.family) if size and size.family else ""
    row = f"{usages[pool].used} of {usages[pool].limit}" if pool in usages else "no row" if pool else "no family"
    return fact(
        f"quota-{name}",
        f"the usages of the region have a row for the family of {name}",
        "documented; the two spellings of a family are recorded",
        None if listed is None or not pool else pool in usages,
        failure(error or unread) or row,
        "The plan checks the quota with this row.",
    )


def permissions(look: Look) -> Iterator[Fact]:
    group = look.base.partition("/providers/")[0]
    for name, scope in (("resource group", group), ("workspace", look.base)):
        found, error = look.arm(f"{scope}/providers/Microsoft.Authorization/permissions", "2022-04-01")
        roles = Permissions.from_documents((found or {}).get("value") or ())
        yield fact(
            f"permissions-{name.replace(' ', '-')}",
            f"an identity can read its own roles at the {name}",
            "documented",
            error is None and found is not None,
            failure(error) or f"{len(roles.roles)} roles",
            "The plan reports missing actions instead of the apply.",
        )
        if error is None:
            wanted = (Needed(f"{ML}/jobs/write"), Needed(f"{ML}/computes/write"), SECRETS, BLOBS)
            lacks = [need.action for need in wanted if not roles.allows(need)]
            yield fact(
                f"roles-{name.replace(' ', '-')}",
                f"the roles at the {name} allow jobs, clusters, and the storage of the workspace",
                "the caller's",
                not lacks,
                f"lacks {', '.join(lacks)}" if lacks else "all of them",
                "Applies of this identity need them, as far as a plan requires it.",
            )


def storage(look: Look) -> Iterator[Fact]:
    found, error = look.arm(f"{look.base}/datastores/workspaceblobstore")
    properties = (found or {}).get("properties") or {}
    kind = str((properties.get("credentials") or {}).get("credentialsType") or "")
    yield fact(
        "default-datastore",
        "the workspace has the datastore workspaceblobstore, with account, container and type of credentials",
        "recorded",
        None
        if error is not None and error.status != 404
        else bool(properties.get("accountName") and properties.get("containerName") and kind),
        failure(error) or f"credentials {kind or 'missing'}",
        "The ledger and the data are stored there.",
    )


def tags(look: Look) -> Iterator[Fact]:
    tags = [
        item.get("tags") or {} for item in (*look.below("computes"), *look.below("onlineEndpoints")) if item.get("tags")
    ]
    pairs = [(len(name), len(str(value))) for each in tags for name, value in each.items()]
    longest = (max((n for n, _ in pairs), default=0), max((v for _, v in pairs), default=0))
    most = max(map(len, tags), default=0)
    yield fact(
        "tag-limits",
        f"a resource has at most {_TAGS} tags, with {_TAG_NAME} characters of a name and {_TAG_VALUE} of a value",
        "documented",
        None if not tags else most <= _TAGS and longest[0] <= _TAG_NAME and longest[1] <= _TAG_VALUE,
        f"{len(tags)} resources with tags: at most {most}, names up to {longest[0]}, values up to {longest[1]}"
        if tags
        else "no resource with tags",
        "phift identifies its resources by tags, and needs some of them.",
    )


def metrics(look: Look) -> Iterator[Fact]:
    endpoints = look.below("onlineEndpoints")
    if not endpoints:
        yield fact(
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


def _defined(look: Look, path: str, what: str, wanted: Mapping[str, Sequence[str]]) -> Iterator[Fact]:
    found, error = look.arm(f"{path}/providers/microsoft.insights/metricDefinitions", "2018-01-01", names=True)
    defined = {
        str((d.get("name") or {}).get("value")): [str(each.get("value")) for each in d.get("dimensions") or ()]
        for d in (found or {}).get("value") or ()
    }
    for name, dimensions in wanted.items():
        yield fact(
            f"metric-{what}-{name}",
            f"the metric {name} of an {what}" if what == "endpoint" else f"the metric {name} of a {what}",
            "documented",
            None if error else name in defined and set(dimensions) <= set(defined[name]),
            failure(error)
            or (f"dimensions {', '.join(defined[name]) or 'none'}" if name in defined else "not defined"),
            "Rules of autoscale, and gates of a rollout, read it"
            + (f" by {' and '.join(dimensions)}." if dimensions else "."),
        )


def _gpus(size: Size) -> str:
    return "1 GPU" if size.gpus == 1 else f"{size.gpus} GPUs"
