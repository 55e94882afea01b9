"""Behaviours that no recording shows: what is assumed of each, and the other way it could be.

Where there is another way it can be switched to, so that a client can be tried against both: `PUT /assumed
{"busy_is_conflict": false}`. Code that follows one of them says so: "(assumed: busy_is_conflict)".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from phift.emulator.core.store import Store

__all__ = ["ASSUMED", "Assumption", "holds", "switch"]

_KIND = "assumed"


@dataclass(frozen=True)
class Assumption:
    """what: the default behaviour. otherwise: the behaviour when switched off, "" for what has no switch, as
    the words of a message have none. why: what it rests on."""

    what: str
    otherwise: str
    why: str

    @property
    def switchable(self) -> bool:
        return bool(self.otherwise)


ASSUMED: Mapping[str, Assumption] = MappingProxyType(
    {
        "busy_is_conflict": Assumption(
            "a write to an endpoint or deployment that another operation works on answers 409 Conflict",
            "it answers 400 in the envelope of online endpoints",
            "documented for endpoints on Kubernetes only",
        ),
        "cluster_size_is_fixed": Assumption(
            "a PUT with another size, tier, region, network or SSH access for a live cluster is refused with 400",
            "it is accepted, answers as asked, and the cluster keeps what it had",
            "field reports of a size that came back after a detach",
        ),
        "cluster_update_needs_no_node": Assumption(
            "an update of a live cluster is refused for quota only if it keeps more nodes than before",
            "one node must fit, as at its creation",
            "the refusal is reported of creations only",
        ),
        "pipeline_put_again_is_compared": Assumption(
            "a second PUT of a pipeline job with equal content passes and merges tags",
            "it is refused as JobPropertyImmutable, whatever it says",
            "recorded 2026-03 as passing; field reports from before say that it is refused",
        ),
        "tag_names_differ_by_more_than_case": Assumption(
            "tags of one resource whose names differ in letter case only are refused with 400",
            "",
            "documented as case-insensitive; no recording shows the refusal",
        ),
        "cancel_of_ended_job_is_200": Assumption(
            "cancelling a job that has ended answers 200",
            "it answers 202 with a result that is ready at once",
            "clients accept both",
        ),
        "failed_endpoint_is_put_again": Assumption(
            "a PUT of an endpoint whose creation failed creates it again",
            "it is refused until the endpoint is deleted",
            "the refusal of deployments on such an endpoint says to recreate it",
        ),
        "unknown_members_are_refused": Assumption(
            "bodies of assets, datastores, endpoints and deployments with a member that their type has not are refused",
            "the member is ignored",
            "recorded 2026-03 for jobs, which always refuse it; clusters are another service's and ignore it",
        ),
        "reuse_looks_at_content": Assumption(
            "a step is reused only when what lies at the URIs of its inputs is what lay there",
            "the URIs alone count, whatever lies there now",
            "documented for data assets, which are immutable; for bare URIs nothing is said",
        ),
        "artifact_store_gives_its_key": Assumption(
            "listSecrets of workspaceartifactstore answers the account key, whatever is asked for",
            "it answers a SAS when one is asked for, with which azure-ai-ml cannot stream the log of a command job",
            "azure-ai-ml signs the addresses of logs in that datastore with its secret as the account key",
        ),
        "command_failure_text": Assumption(
            "a command that ends with another exit code than 0 fails with the code ExecutionFailed, the exit code and "
            "the last line of its log",
            "",
            "field reports name the code and the exit code; the other words are close to theirs",
        ),
        "timed_out_is_canceled": Assumption(
            "a command or sweep that exceeds its limits.timeout is cancelled, and is Canceled",
            "it is Failed",
            "documented as being cancelled; no recording shows the status",
        ),
        "canceled_node_cancels_job": Assumption(
            "a pipeline with a node that was canceled ends as Canceled, after the nodes that do not depend on it; a "
            "sweep continues without a trial that was canceled",
            "",
            "nothing; clients cancel a child as they cancel a job",
        ),
        "skipped_nodes_stay_not_started": Assumption(
            "nodes of a failed pipeline that were not run stay NotStarted",
            "they are Canceled",
            "the studio shows them as not started; no recording shows their runs",
        ),
        "sweep_documents": Assumption(
            "a sweep has the properties of a HyperDrive run; its trials are command jobs named after it with a number, "
            "with their values as hyperparameters among properties and tags; a sweep in a pipeline has the outputs of "
            "its best trial, and is always run",
            "",
            "outputs of public notebooks; no recording of a sweep has been seen",
        ),
        "sweep_fails_with_first_three": Assumption(
            "a sweep fails when three trials have failed and none has completed",
            "all trials are run first",
            "field reports of HyperDrive runs",
        ),
        "best_trial_by_best_value": Assumption(
            "the best trial of a sweep is the completed one with the best value of the primary metric, whenever logged",
            "the last value that each trial logged counts",
            "documented as the best performing run; how a run with several values is judged is not",
        ),
        "running_job_is_not_deleted": Assumption(
            "the delete of a job that has not ended is refused with 400",
            "the job is cancelled and then deleted",
            "nothing; the words are ours too",
        ),
        "cluster_identity_is_kept": Assumption(
            "a PUT of a live cluster without identity keeps the one that it has; the type None removes it",
            "it removes the identity",
            "documented of resources in general; no recording of a cluster shows it",
        ),
        "serverless_size_is_checked": Assumption(
            "a pipeline whose step on serverless compute has an unknown or retired instance type is refused with 400",
            "it is accepted, and runs",
            "nothing; the default sizes of the published components are documented as retired",
        ),
        "busy_cluster_is_deleted": Assumption(
            "a cluster can be deleted while jobs run on it",
            "it is refused with 409 until they have ended",
            "nothing; the documents are silent",
        ),
        "component_spec_is_fixed": Assumption(
            "a PUT of a component with another spec is refused with 400",
            "it is accepted, and the stored spec does not change",
            "the text is that of data versions; what a spec shows of itself is recorded to change (2022-11)",
        ),
        "regenerated_key_is_random": Assumption(
            "regenerateKeys makes a key of its own and does not take the keyValue that was sent",
            "the keyValue becomes the new key, where one was sent",
            "clients send the current key, which would change nothing",
        ),
        "mlflow_deployments_show_variables": Assumption(
            "a deployment of an MLflow model without code shows three variables of the server's, as one with code does",
            "it shows none",
            "recorded 2025-02 with code; without code only in 2022, when there were none at all",
        ),
        "classification_answers": Assumption(
            "a text classification model answers a list of classes, one a row; return_all_scores adds their scores",
            "",
            "the list is how text-generation models answer tables; no answer of a classifier is recorded",
        ),
        "lists_lag_two_seconds": Assumption(
            "at the faithful pace lists, and requests after new traffic, lag two seconds behind",
            "",
            "field reports speak of seconds; the pace fast has no lag",
        ),
        "job_validation_texts": Assumption(
            "what a job PUT says of inputs that do not fit a component: 400 UserError, the input's name in the target",
            "",
            "that components are resolved at once is recorded 2023-10; the words are ours",
        ),
        "traffic_texts": Assumption(
            "what is said of live and mirrored traffic that is refused, and of the delete of a deployment with some",
            "",
            "the rules are documented; the words are ours, in the recorded envelope",
        ),
        "mirrored_deployment_is_deleted": Assumption(
            "a deployment with mirrored traffic can be deleted, and its mirrored traffic ends with it",
            "it is refused with 400 until its mirrored traffic is 0",
            "documented for live traffic only",
        ),
        "metrics_without_data_have_points": Assumption(
            "a metric without data has one time series, whose points have no values",
            "it has no time series",
            "both are seen in answers about other resources; queries with a filter answer no time series either way",
        ),
        "metric_values": Assumption(
            "requests and instances of several combinations of dimensions add up, other values are averaged, over the "
            "minutes with data; deployment and modelStatusCode are empty where there was none, and State is Healthy or "
            "Unhealthy",
            "",
            "the documents name the metrics and their dimensions alone",
        ),
        "metric_texts": Assumption(
            "what is said of unknown metrics and dimensions, in a document of code and message alone; intervals and "
            "timespans that are refused",
            "",
            "Azure's documents and field reports of other resource types; the words about intervals are ours",
        ),
        "autoscale_steps": Assumption(
            "a percentage is rounded down and changes the instances by one at least; a number outside of minimum and "
            "maximum is corrected at once, whatever the cooldown",
            "",
            "nothing; the documents have no example of it",
        ),
        "autoscale_texts": Assumption(
            "what is said of autoscale settings that are refused; that a second setting of one deployment is a "
            "conflict, and that the deployment need not exist",
            "",
            "the limits are documented; the words are ours",
        ),
        "online_not_found_texts": Assumption(
            "a missing endpoint or deployment is a 404 UserError with its name",
            "",
            "the envelope is that of other resources",
        ),
        "asset_not_found_envelope": Assumption(
            "missing data and codes are reported as missing models are, missing versions of components and "
            "environments as their names are",
            "",
            "recorded for names of models and components 2026-03, of environments 2022-09; of versions nothing is",
        ),
        "run_details_keys": Assumption(
            "the keys of a run's details are those that public clients read",
            "",
            "no recording of that route has been seen",
        ),
        "run_configuration": Assumption(
            "the run data of a step has its run configuration, with the parameters of its node as arguments, and the"
            " outputs that it makes; that of a node is a pipeline of its component",
            "",
            "field reports of 2022 of pipeline steps; of newer jobs, and of nodes, nothing is recorded",
        ),
        "artifact_service": Assumption(
            "artifacts have the keys that public clients read, a path is a prefix of characters, lists are in order of"
            " paths and in pages of 500, and a missing artifact is a 404 UserError",
            "",
            "public clients; of the service's texts only the conflict of names is quoted in field reports",
        ),
        "stable_versions_lack_preview_keys": Assumption(
            "stable api-versions after 2023-04-01 lack the keys that only previews had",
            "",
            "the public specifications; recordings are of previews",
        ),
        "body_shapes": Assumption(
            "bodies nested deeper than 64, with integers beyond 64 bits or with values of another kind than their type "
            "has there are refused with 400",
            "",
            "the parser's defaults; the words are ours",
        ),
        "page_sizes": Assumption(
            "lists come in pages of 100, those of jobs of 50, when no size is asked for",
            "",
            "nextLink is recorded, the size is not",
        ),
        "free_of_permissions": Assumption(
            "no role is needed to read one's own permissions, and to poll operations",
            "",
            "the URLs of operations are signed; of permissions nothing is said",
        ),
        "wildcards_between_slashes": Assumption(
            "in an action of a role `/*/` stands for `/` as well, as in workspaces/*/read",
            "",
            "the role AzureML Data Scientist can read its workspace and create no cluster, by those patterns",
        ),
        "sizes_have_prices": Assumption(
            "the list of VM sizes has estimatedVMPrices for every size, in US dollars",
            "no size has the member",
            "the client's models have it; no recording shows its values",
        ),
        "price_refusals": Assumption(
            "a malformed filter or currency of the retail prices is refused with 400, code BadRequest",
            "",
            "the documents list the fields and operators; the refusal is not documented",
        ),
        "schedule_texts": Assumption(
            "what is said of schedules that are refused: malformed triggers, unknown time zones, the delete of one "
            "that is enabled",
            "",
            "that it must be disabled first is documented; the words are ours",
        ),
        "scheduled_jobs": Assumption(
            "a job of a schedule is named as its display name, NAME-20260131T120000Z, and has the property "
            "azureml.scheduleId; trigger_time is written as 2026-01-31T12:00:00Z",
            "",
            "the display name is documented",
        ),
        "schedule_starts": Assumption(
            "a schedule without a start time counts from its creation, and its first job is that of the next time",
            "",
            "documents say that of a start in the past; of none they speak of a first job at once too",
        ),
        "scoring_refusal": Assumption(
            "a token of Microsoft Entra whose caller may not score is refused with 403",
            "",
            "the status is documented; the words are ours",
        ),
        "next_links": Assumption(
            "nextLink repeats the request with api-version first and an opaque $skipToken last; other tokens are "
            "refused with 400",
            "",
            "nextLink and $skipToken are recorded, the order and the refusal are not",
        ),
        "provider_headers": Assumption(
            "answers about clusters, sizes and quota have the headers of those about the workspace, which lack "
            "x-ms-operation-identifier",
            "",
            "recorded 2026-03 of the workspace; of clusters only in 2024, when no answer had it",
        ),
        "patches_are_done_at_once": Assumption(
            "a PATCH of tags answers 200 and is done; one of a deployment's instances or an endpoint's traffic is an "
            "operation",
            "",
            "documented statuses",
        ),
        "accepted_cancel_counts": Assumption(
            "a job whose cancel was accepted ends as Canceled, also when all its steps have completed meanwhile",
            "",
            "a field report of a sweep whose work in flight finished and whose run is shown as killed",
        ),
        "failed_delete_keeps_deployments": Assumption(
            "an endpoint's delete that fails leaves its deployments as they were",
            "",
            "nothing; the endpoint is known to be there still",
        ),
        "operation_errors_nest": Assumption(
            "the error in an operation's status has details and, in additionalInfo, inner errors as other errors have",
            "",
            "the public specification's error type; only code and message are documented for operations",
        ),
        "workspace_texts": Assumption(
            "what is said of names and regions of workspaces and registries that are refused, and of a workspace that "
            "another operation works on",
            "",
            "the rules are documented, the text of a region is that of Resource Manager; the other words are ours",
        ),
        "curated_environment_versions": Assumption(
            "a curated environment has all versions up to its newest; a workspace shows those that begin with AzureML-",
            "",
            "the names are public, a few versions are recorded; which others were published is not",
        ),
        "endpoint_identity_is_fixed": Assumption(
            "a PUT with another identity than that of the endpoint is refused with 400",
            "it is accepted, and the endpoint has the other identity",
            "documented as not possible; no recording shows the refusal",
        ),
        "unknown_environments_are_refused": Assumption(
            "deployments, command jobs and sweeps with an environment that the workspace does not have are refused",
            "it is accepted, as what runs here needs no environment",
            "field reports quote the text of it for jobs (2024-11); of deployments no recording shows it",
        ),
        "data_collector": Assumption(
            "what is refused of a data collector: sampling rates beyond 0 to 1, and words that its types have not; "
            "nothing is collected",
            "",
            "the public specification; texts are ours",
        ),
        "default_version_of_assets": Assumption(
            "the default version of an asset is the newest that is neither archived nor anonymous, of whatever kind",
            "",
            "clients ask for a component so; that the newest is meant is documented",
        ),
        "parameter_rules": Assumption(
            "the first step rejects what the trainer cannot train with: numbers out of bounds, early stopping without "
            "evaluations or a split for them, DeepSpeed with auto_find_batch_size, ONNX Runtime with stage 3",
            "",
            "the bounds are those of torch, transformers and peft, which fail later with a traceback; that the service "
            "checks them in its first step is not recorded",
        ),
        "registry_documents": Assumption(
            "the documents of registries, what is answered to those who read a registry's content, and that a write of "
            "a version is there before its operation has ended",
            "",
            "the public specification and what clients read; recorded are discovery, upload places and the answers to "
            "writes",
        ),
    }
)


def holds(store: Store, name: str) -> bool:
    """Whether a behaviour is the default one."""
    if not ASSUMED[name].switchable:
        return True
    return (store.home.get(_KIND, name) or {}).get("holds", True) is True


def switch(store: Store, name: str, value: bool) -> None:
    """Switches a behaviour; kept until a reset. Raises ValueError for one that has no other way."""
    if not ASSUMED[name].switchable:
        raise ValueError(f"{name} has no switch")
    store.home.put(_KIND, name, body={"holds": value})
