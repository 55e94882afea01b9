"""What the containers of deployments use of the machine, measured every few seconds."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints.state import ENDPOINT, deployments_of
from phift.emulator.services.monitor.cells import GaugeKey

__all__ = ["Sampler"]

_SECONDS = 5.0


@dataclass(frozen=True)
class _Serving:
    """A deployment that is measured. pid: of its container's first process, None while that is down. workers: how many
    processes that starts."""

    endpoint: str
    name: str
    capacity: int
    pid: int | None
    workers: int
    ready: bool
    folder: str


@dataclass
class _Use:
    """What one instance uses, in percent: of a core, of the machine's memory, of its disk."""

    cpu: float | None
    memory: float


@dataclass
class Sampler:
    """Measures all deployments, and writes what the metrics have counted meanwhile.

    An instance is a worker process, and has one core: 100 % is a core that does nothing else. Instances that this
    machine has no cores for have no process, and so no values.
    """

    emulator: Emulator
    _spent: dict[int, tuple[float, float]] = field(default_factory=dict)
    _workers: dict[int, list[psutil.Process]] = field(default_factory=dict)
    """Those of a container's first process. Looking for them reads all processes of the machine, so it is done again
    only when one is missing."""

    async def start(self) -> None:
        """Begin to measure."""
        self.emulator.spawn(self._run(), name="metrics")

    async def stop(self) -> None:
        """Write what is not written yet."""
        self.emulator.metrics.flush()

    async def _run(self) -> None:
        while True:
            await self.sample()
            self.emulator.metrics.flush()
            await asyncio.sleep(_SECONDS)

    async def sample(self) -> None:
        """Measure once."""
        found = self._serving()
        uses = await asyncio.to_thread(self._measure, found)
        metrics = self.emulator.metrics
        for endpoint in {each.endpoint for each in found}:
            open_now = metrics.open_connections(endpoint)
            metrics.measured(endpoint, GaugeKey("ConnectionsActive", "", ()), open_now)
        for each, (instances, disk) in uses.items():
            name = each.name.casefold()

            def note(metric: str, *dimensions: str, value: float, each: _Serving = each, name: str = name) -> None:
                metrics.measured(each.endpoint, GaugeKey(metric, name, dimensions), value)

            for index in range(each.capacity):
                state = "Healthy" if each.ready else "Unhealthy"
                note("DeploymentCapacity", f"{each.name}-{index}", state, value=1)
            for index, use in enumerate(instances):
                instance = f"{each.name}-{index}"
                if use.cpu is not None:
                    note("CpuUtilizationPercentage", instance, value=use.cpu)
                note("CpuMemoryUtilizationPercentage", instance, value=use.memory)
                note("DiskUtilization", instance, value=disk)

    def _serving(self) -> list[_Serving]:
        found = []
        for endpoint in self.emulator.store.list(ENDPOINT):
            name = endpoint["document"]["name"]
            for record in deployments_of(self.emulator.store, name):
                container = self.emulator.containers.find(name, record["document"]["name"])
                if container is None or record["served"] is None:
                    continue
                served = record["served"]
                found.append(
                    _Serving(
                        name,
                        served["name"],
                        served["sku"]["capacity"],
                        container.pid,
                        container.launch.workers,
                        container.ready,
                        container.launch.folder,
                    )
                )
        return found

    def _measure(self, found: list[_Serving]) -> Mapping[_Serving, tuple[list[_Use], float]]:
        """Run in a thread, as looking for processes takes milliseconds."""
        memory = psutil.virtual_memory().total
        spent: dict[int, tuple[float, float]] = {}
        uses = {}
        for each in found:
            instances = []
            for process in self._workers_of(each.pid, each.workers):
                try:
                    times, resident = process.cpu_times(), process.memory_info().rss
                except psutil.Error:
                    continue
                now, total = time.monotonic(), times.user + times.system
                before = self._spent.get(process.pid)
                cpu = None
                if before and now > before[1]:
                    cpu = min(100.0, max(0.0, (total - before[0]) / (now - before[1]) * 100))
                spent[process.pid] = (total, now)
                instances.append(_Use(cpu, resident / memory * 100))
            uses[each] = (instances, _disk(each.folder))
        self._spent = spent
        self._workers = {each.pid: self._workers[each.pid] for each in found if each.pid in self._workers}
        return uses

    def _workers_of(self, pid: int | None, count: int) -> list[psutil.Process]:
        """The worker processes of a container, oldest first."""
        if pid is None:
            return []
        known = self._workers.get(pid, [])
        if len(known) < count or not all(process.is_running() for process in known):
            try:
                known = sorted(psutil.Process(pid).children(), key=lambda process: process.pid)
            except psutil.Error:
                known = []
            self._workers[pid] = known
        return known


def _disk(folder: str) -> float:
    path = Path(folder)
    usage = shutil.disk_usage(path if path.exists() else Path.home())
    return usage.used / usage.total * 100
