"""The process-wide state of `huggingface_hub` and `datasets`. No other module changes it.

Set once per process: the client factory of huggingface_hub, which returns a session of the active client (and outside
of `at_work` a plain one); progress bars off; loggers silent.

Set within `at_work`, under a lock, and restored: the endpoint, which both libraries otherwise read at import; caches in
a temporary folder, so that the user's are neither read nor written; telemetry, load counts and xet off (xet's client
supports neither our certificates nor our retries); a guard on the files that a card may name.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from phift.data.hub.errors import Subject, other_host

__all__ = ["at_work", "quiet"]

_lock = threading.RLock()
_maker: list[Callable[[], Any]] = []
"""Session factories of the active clients, innermost last."""
_once = threading.Event()


@contextmanager
def at_work(endpoint: str, session: Callable[[], Any], subject: Subject) -> Iterator[Path]:
    """A context in which the libraries use this endpoint and these sessions; yields a temporary folder for their files.

    One thread at a time; others wait. Outside of it phift uses the libraries on local files only.
    """
    with _lock, ExitStack() as stack:
        import datasets
        import huggingface_hub
        from datasets import data_files
        from huggingface_hub import constants

        quiet()
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="phift-hub-")))
        for module, values in (
            (
                constants,
                {
                    "ENDPOINT": endpoint,
                    "HUGGINGFACE_CO_URL_TEMPLATE": endpoint + "/{repo_id}/resolve/{revision}/{filename}",
                    "HF_HUB_CACHE": str(folder / "hub"),
                    "HF_HUB_DISABLE_TELEMETRY": True,
                    "HF_HUB_DISABLE_XET": True,
                },
            ),
            (
                datasets.config,
                {
                    "HF_ENDPOINT": endpoint,
                    "HUB_DATASETS_URL": endpoint + "/datasets/{repo_id}/resolve/{revision}/{path}",
                    "HF_DATASETS_CACHE": folder / "datasets",
                    "HF_UPDATE_DOWNLOAD_COUNTS": False,
                },
            ),
        ):
            for name, value in values.items():
                stack.callback(setattr, module, name, getattr(module, name))
                setattr(module, name, value)
        stack.callback(setattr, data_files, "resolve_pattern", data_files.resolve_pattern)
        data_files.resolve_pattern = _within(data_files.resolve_pattern, subject)
        _maker.append(session)
        stack.callback(_leave)
        huggingface_hub.close_session()
        huggingface_hub.HfFileSystem.clear_instance_cache()  # instances cache listings
        yield folder


def _within(resolve_pattern: Callable[..., Any], subject: Subject) -> Callable[..., Any]:
    """The library's function, with an error for patterns outside of the hub: other servers, local files."""

    def resolve(pattern: str, *arguments: Any, **options: Any) -> Any:
        place = pattern.rpartition("::")[2]
        if ("://" in place and not place.startswith("hf://")) or os.path.isabs(place):
            raise other_host(subject, urlsplit(place).netloc or "local files")
        return resolve_pattern(pattern, *arguments, **options)

    return resolve


def quiet() -> None:
    """Silence both libraries and install the client factory, once a process."""
    if _once.is_set():
        return
    import datasets
    import huggingface_hub
    from huggingface_hub.utils.tqdm import disable_progress_bars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that an environment variable says otherwise
        disable_progress_bars()
        datasets.disable_progress_bars()
    # Their warnings would go to stderr and become errors of ours anyway; debug lines contain signed URLs.
    for name in ("datasets", "huggingface_hub", "fsspec"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    huggingface_hub.set_client_factory(_session)
    _once.set()


def _session() -> Any:
    if _maker:
        return _maker[-1]()
    import httpx2

    return httpx2.Client(follow_redirects=True)


def _leave() -> None:
    import huggingface_hub

    _maker.pop()
    huggingface_hub.close_session()
