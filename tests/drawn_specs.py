"""Draws worlds and specs, mostly ordinary ones, and now and then one at or beyond a limit of the service."""

from __future__ import annotations

import random
import string
from typing import Any

from phift.emulator.core.quota import LOW_PRIORITY, TOTAL
from phift.emulator.core.roles import built_in
from phift.emulator.core.sizes import sizes

__all__ = ["Draw"]

MODEL = "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest"
COMPONENT = "azureml://registries/azureml/components/chat_completion_pipeline/labels/latest"
GOOD = ("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4", "standard_nc24ADS_a100_V4")
DATES = ("2024-05-01", "2025-07-15", "2025-12-01", "2026-11-01", "2027-06-01")
IDENTITY = "/subscriptions/0/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x"
ML = "Microsoft.MachineLearningServices/workspaces"
LACKS = (
    "Microsoft.Insights/autoscaleSettings/write",
    f"{ML}/computes/write",
    f"{ML}/data/versions/write",
    f"{ML}/jobs/write",
    f"{ML}/models/versions/write",
    f"{ML}/onlineEndpoints/write",
    f"{ML}/onlineEndpoints/deployments/write",
    f"{ML}/onlineEndpoints/listKeys/action",
    f"{ML}/computes/delete",
    f"{ML}/onlineEndpoints/delete",
    f"{ML}/onlineEndpoints/deployments/delete",
)


class Draw:
    """Draws values, mostly ordinary ones, and now and then one at or beyond a limit."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self.one_of = source.choice

    def one_in(self, n: int) -> bool:
        return self._source.randrange(n) == 0

    def upto(self, most: int, least: int = 0) -> int:
        return self._source.randint(least, most)

    def text(self, alphabet: str, most: int, least: int = 0) -> str:
        return "".join(self._source.choices(alphabet, k=self.upto(most, least)))

    # the world

    def quota(self) -> dict[str, int]:
        found = {}
        for size in sizes().values():
            found[size.family.name] = self.one_of([0, 6, 24, 48, 100, 192, 1000]) if self.one_in(4) else 1000
        found[TOTAL] = self.one_of([0, 24, 60, 100]) if self.one_in(6) else 4000
        found[LOW_PRIORITY] = self.one_of([0, 24, 100]) if self.one_in(3) else 500
        return found

    def date(self) -> str:
        return self.one_of(DATES)

    def roles(self) -> list[Any]:
        match self.upto(9):
            case 0:
                chosen = [name for name in built_in() if self.one_in(3)]
                return ["Reader", *chosen]
            case 1 | 2:
                return [
                    {"actions": ["*"], "notActions": [a for a in LACKS if self.one_in(3)], "dataActions": ["*"]},
                ]
            case 3:
                return ["Contributor"]
            case 4:
                return [{"actions": ["*"], "notActions": [f"{ML}/datastores/listSecrets/action"]}]
            case _:
                return ["Owner", "Storage Blob Data Contributor"]

    # the spec

    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = {"version": 1, "name": self.stack(), "tags": self.tags()}
        serves = self.one_in(3) is False
        if self.one_in(8):
            spec["model"] = self.one_of(
                ["azureml:none:1", "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/16"]
            )
            serves = True
        else:
            spec |= self.training()
        if serves:
            spec |= self.serving()
        if self.one_in(3):
            spec["description"] = self.words()
        if self.one_in(10):
            spec["protect"] = True
        spec["targets"] = {"local": {"default": True}}
        return spec

    def edited(self, spec: dict[str, Any]) -> dict[str, Any]:
        """The spec with some blocks drawn again, its name kept."""
        other = self.spec()
        changed = {k: other.get(k, v) if self.one_in(2) else v for k, v in spec.items() if k not in ("name", "targets")}
        if isinstance(changed.get("model"), str) and "finetune" in changed:
            changed["model"] = spec.get("model")
        return {**spec, **changed}

    def stack(self) -> str:
        if self.one_in(6):
            return self.one_of("abcz") + self.text(string.ascii_lowercase + string.digits + "--", 23, 1)
        return "stack-" + self.text(string.ascii_lowercase, 6, 2)

    def words(self) -> str:
        return self.text("abc äöü 字 '\"<>&%\\/\n" + string.ascii_letters, self.one_of([10, 60, 600, 5000]), 1) + "."

    def tags(self, most: int = 4) -> dict[str, str]:
        found = {}
        if self.one_in(25):
            most = 55
        for _ in range(self.upto(most)):
            name = self.text(string.ascii_letters + " .-_:äé", 12, 1)
            if self.one_in(40):
                name = self.one_of(["", "phift.stack", "a/b", "a<b", "n" * 513, "n" * 512, "Team", "team", "TEAM"])
            found[name] = (
                self.one_of(["", "x", "v" * 256, "ü", "v" * self.one_of([256, 256, 257])])
                if self.one_in(15)
                else self.text("abc ", 9)
            )
        return found

    def size(self) -> str:
        return self.one_of(list(sizes())) if self.one_in(5) else self.one_of(GOOD)

    def training(self) -> dict[str, Any]:
        cluster: dict[str, Any] = {
            "name": self.one_of(["gpu", "g", "gpu-1-", "1gpu", "g" * 32, "g" * 33, "gpu--x"])
            if self.one_in(8)
            else "gpu",
            "size": self.size(),
            "tags": self.tags(),
        }
        if self.one_in(2):
            cluster["max_instances"] = (
                self.one_of([1, 1, 2, 4]) if not self.one_in(6) else self.one_of([50, 65_000, 65_001])
            )
        if self.one_in(4):
            cluster["min_instances"] = self.upto(3)
        if self.one_in(3):
            cluster["idle_time_before_scale_down"] = self.one_of([0, 1, 120, 3600, 10_000_000])
        if self.one_in(3):
            cluster["tier"] = self.one_of(["dedicated", "low_priority", "any"])
        if self.one_in(4):
            cluster["description"] = self.words()
        compute: Any = {"finetune": "azureml:gpu" if self.one_in(12) else cluster}
        if self.one_in(8):
            compute = {"finetune": f"serverless:{self.size()}"}
        finetune: dict[str, Any] = {
            "component": COMPONENT,
            "parameters": {"max_steps": 3, "learning_rate": self.one_of([0.008, 1e-5, 5e-6]), "apply_deepspeed": False},
        }
        if self.one_in(5):
            finetune["instance_count"] = self.upto(3, 1)
        if self.one_in(4):
            finetune["experiment_name"] = self.one_of([self.words(), "e", "e/x", "e" * 300, " ", "exp 1"])
        if self.one_in(5):
            finetune["retries"] = self.upto(3)
        block = {
            "base_model": MODEL,
            "data": {"train": {"path": "train.jsonl"}, **({"test": {"path": "test.jsonl"}} if self.one_in(2) else {})},
            "compute": compute,
            "finetune": finetune,
        }
        if self.one_in(2):
            named = self.one_of(["m", "m", "m-1_x", "m" * 255, "M", self.one_of(["m.1", "m" * 256, "-m", "mödel"])])
            block["model"] = {"name": named, "tags": self.tags()}
            if self.one_in(3):
                block["model"]["description"] = self.words()
        return block

    def serving(self) -> dict[str, Any]:
        endpoint: dict[str, Any] = {"auth_mode": self.one_of(["key", "aml_token", "aad_token"]), "tags": self.tags()}
        if self.one_in(3):
            endpoint["name"] = self.one_of(
                ["ep1", "e" * 32, "ep-1", "Ep-Mixed", self.one_of(["ep", "e" * 33, "a--b", "a-", "1ep"])]
            )
        if self.one_in(4):
            endpoint["description"] = self.words()
        if self.one_in(4):
            endpoint["public_network_access"] = self.one_of(["enabled", "disabled"])
        if self.one_in(6):
            endpoint["identity"] = self.one_of(
                [
                    {"type": "system_assigned"},
                    {"type": "user_assigned", "user_assigned_identities": [IDENTITY]},
                    {"type": "user_assigned"},
                ]
            )
        deployment: dict[str, Any] = {"instance_type": self.size(), "tags": self.tags()}
        if self.one_in(2):
            count = self.one_of([1, 1, 1, 2, 3, 5, 50]) if not self.one_in(20) else 51
            deployment["instance_count"] = {"initial": count} if self.one_in(4) else count
        if self.one_in(6):
            deployment.pop("instance_count", None)
            least = self.upto(3, 1)
            deployment["autoscale"] = {"minimum": least, "maximum": least + self.one_of([0, 1, 4, 60])}
        for probe in ("liveness_probe", "readiness_probe"):
            if self.one_in(3):
                deployment[probe] = {
                    key: self.one_of([1, 2, 10, 600, 100_000])
                    for key in ("initial_delay", "period", "timeout", "success_threshold", "failure_threshold")
                    if self.one_in(2)
                }
        if self.one_in(3):
            deployment["request_settings"] = {
                "request_timeout_ms": self.one_of([1, 5000, 90_000, 180_000, 180_001]),
                "max_concurrent_requests_per_instance": self.one_of([1, 10, 1000]),
                "max_queue_wait_ms": self.one_of([1, 500, 60_000, 500_000]),
            }
        if self.one_in(3):
            deployment["environment_variables"] = {
                self.one_of(
                    ["A", "a.b", "A B", "ÄÖ", "AZUREML_MODEL_DIR", "x" * 300, "1", self.one_of(["A=B", "", "B"])]
                ): self.one_of(["", "1", "ü\n", "v" * 5000, "a\0b"])
                for _ in range(self.upto(3))
            }
        if self.one_in(5):
            deployment["environment"] = self.one_of(
                [
                    "azureml:none:1",
                    "azureml://registries/azureml/environments/sklearn-1.5/versions/1",
                    "azureml://registries/azureml/environments/sklearn-1.5/versions/2",
                    "azureml://registries/azureml/environments/sklearn-1.5/versions/999",
                    "azureml:sklearn-1.5@latest",
                ]
            )
        if self.one_in(4):
            deployment["egress_public_network_access"] = self.one_of(["enabled", "disabled"])
        if self.one_in(4):
            deployment["app_insights_enabled"] = self.one_in(2)
        if self.one_in(4):
            deployment["description"] = self.words()
        block: dict[str, Any] = {"endpoint": endpoint, "deployment": deployment}
        if self.one_in(3):
            block["rollout"] = {
                "strategy": self.one_of(["blue_green", "in_place", "replace"]),
                "keep_previous": self.upto(2),
            }
        if self.one_in(4):
            block["tests"] = {"smoke": {"rows": 1, "path": "test.jsonl"}}
        return block
