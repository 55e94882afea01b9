"""The autoscaler: evaluates all enabled settings every so often, and changes the instances of deployments."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from phift.emulator.core.context import Cloud
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.pace import FAST
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.services.deployments.changes import MOVING, begin_scaling
from phift.emulator.services.endpoints.state import DEPLOYMENT
from phift.emulator.services.monitor.autoscale.evaluation import Decision, active_profile, decide
from phift.emulator.services.monitor.autoscale.state import SETTING, Resource, resource_of
from phift.emulator.services.monitor.autoscale.trigger import aggregated_trigger
from phift.emulator.services.monitor.definitions import DEPLOYMENTS, ENDPOINTS
from phift.emulator.services.monitor.filters import Filter
from phift.emulator.services.monitor.query import series_of
from phift.emulator.services.monitor.recorder import MINUTE

__all__ = ["Autoscaler", "Outcome", "shown"]

logger = logging.getLogger("phift.emulator")

_API_VERSION = "2023-10-01"
_SECONDS, _FAST_SECONDS, _LEAST_SECONDS = 60.0, 5.0, 1.0


@dataclass
class Outcome:
    """What the evaluation of one setting came to. before, after: instances; after is what was asked for. values: of
    the metric triggers by metric, None without data."""

    setting: str
    profile: str = ""
    before: int | None = None
    after: int | None = None
    why: str = ""
    values: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Autoscaler:
    """The autoscaler of a home. Schedules and cooldowns are in the time of the service's clock. So are windows, but the
    metrics in them have the resolution of a minute, and are dated by the machine's clock."""

    cloud: Cloud

    async def start(self) -> None:
        """Begin to evaluate: every minute at the faithful pace, divided by its speed; every five seconds at the fast
        one."""
        self.cloud.first.spawn(self._run(), name="autoscale")

    async def _run(self) -> None:
        while True:
            pace = self.cloud.pace
            await asyncio.sleep(_FAST_SECONDS if pace.name == FAST.name else max(_LEAST_SECONDS, _SECONDS / pace.speed))
            self.evaluate()

    def evaluate(self, later: float = 0.0) -> list[Outcome]:
        """Evaluate all settings as if it were `later` seconds later, and start the operations that follow."""
        return [self._evaluated(record, later) for record in self.cloud.store.list(SETTING)]

    def _evaluated(self, record: dict[str, Any], later: float) -> Outcome:
        document, now = record["document"], self.cloud.clock.time() + later
        properties = document["properties"]
        outcome = Outcome(document["name"])
        target = resource_of(self.cloud, properties["targetResourceUri"])
        found = target.emulator.store.get(DEPLOYMENT, target.endpoint, target.deployment) if target else None
        if not properties["enabled"]:
            outcome.why = "the setting is not enabled"
        elif target is None or found is None:
            outcome.why = "the deployment does not exist"
        elif (state := found["document"]["properties"]["provisioningState"]) in MOVING or not found["succeeded"]:
            outcome.why = f"the deployment is in state {state}"
        elif (profile := active_profile(properties["profiles"], now)) is None:
            outcome.why = "no profile is active"
        else:
            current = found["document"]["sku"]["capacity"]
            outcome.profile, outcome.before, outcome.after = profile["name"], current, current

            def measure(trigger: Mapping[str, Any]) -> float | None:
                value = self._measured(trigger, current, later)
                outcome.values.append({"metricName": trigger["metricName"], "value": value})
                return value

            last = record.get("last")
            since = now - last["at"] if last else math.inf
            decision = decide(profile, current, measure, since_last=since)
            outcome.why = decision.why
            if decision.capacity != current:
                self._scale(record, found, target, decision, now, outcome)
        return outcome

    def _scale(
        self,
        record: dict[str, Any],
        deployment: dict[str, Any],
        target: Resource,
        decision: Decision,
        now: float,
        outcome: Outcome,
    ) -> None:
        emulator, endpoint = target.emulator, target.endpoint
        setting, document = record["document"]["name"], deployment["document"]
        name, before = document["name"], document["sku"]["capacity"]
        try:
            with self.cloud.store.transaction(), emulator.store.transaction():
                begin_scaling(emulator, endpoint, deployment, document, decision.capacity, _API_VERSION)
                if decision.by_rule:
                    record["last"] = {"at": now, "from": before, "to": decision.capacity}
                    self.cloud.store.put(SETTING, record["group"], setting, body=record)
        except ServiceError as error:
            refusal = error.details[0]["message"] if error.details else error.message
            outcome.why = f"{decision.why}, but {decision.capacity} instances are refused: {refusal}"
            logger.warning("autoscale setting %s: %s", setting, outcome.why)
            return
        outcome.after = decision.capacity
        text = f"autoscale setting {setting}: {before} to {decision.capacity} instances, as {decision.why}"
        logger.info("%s/%s: %s", endpoint, name, text)
        if container := emulator.containers.find(endpoint, name):
            container.say(text)

    def _measured(self, trigger: Mapping[str, Any], instances: int, later: float) -> float | None:
        """The value of a metric trigger over its window; None without data, and for metrics and resources that do not
        exist."""
        resource = resource_of(self.cloud, trigger["metricResourceUri"])
        if resource is None:
            return None
        scope = DEPLOYMENTS if resource.deployment else ENDPOINTS
        metric = scope.metrics.get(trigger["metricName"].lower())
        if metric is None:
            return None
        known = {name.lower() for name in metric.dimensions}
        wanted = [(each["DimensionName"].lower(), each) for each in trigger["dimensions"]]
        if any(name not in known for name, _ in wanted):
            return None

        def test(values: Mapping[str, str]) -> bool:
            return all(
                (values[name].casefold() in {value.casefold() for value in each["Values"]})
                == (each["Operator"] == "Equals")
                for name, each in wanted
            )

        start, end = self._window(seconds_of(trigger["timeWindow"]), later)
        minutes = resource.emulator.metrics.between(resource.endpoint, start, end)
        series = series_of(metric, minutes, resource.deployment, Filter((), test))
        value = aggregated_trigger(trigger, series[0]) if series else None
        return value / instances if value is not None and trigger["dividePerInstance"] else value

    def _window(self, seconds: float, later: float) -> tuple[float, float]:
        """A window in the machine's time. It has whole minutes; where the service's clock goes faster, a
        window may be shorter than that, and then the minute under way counts."""
        now, speed = time.time() + later, self.cloud.clock.speed
        if speed > 1:
            return (now - seconds / speed) // MINUTE * MINUTE, now
        end = now // MINUTE * MINUTE
        return end - seconds, end


def shown(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON."""
    return asdict(outcome)
