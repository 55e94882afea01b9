"""The state of `huggingface_hub` and `datasets`, which is one for the process: the only place that touches it.

Set once and left so: the client factory of huggingface_hub, which hands out the session of the client at work (and
outside of that the library's own kind of session), progress bars off, loggers silent.

Set for the time of one call and put back, under a lock: the endpoint, which both libraries read only when they are
imported; caches in a temporary folder, so that neither a stale cache of the user is read nor anything written there;
telemetry, load counts and xet off (xet's client knows neither our certificates nor our retries).
"""

from __future__ import annotations

import logging
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

__all__ = ["at_work", "quiet"]

_lock = threading.RLock()
_maker: list[Callable[[], Any]] = []
"""The session maker of the client at work, innermost last."""
_once = threading.Event()


@contextmanager
def at_work(endpoint: str, session: Callable[[], Any]) -> Iterator[Path]:
    """The libraries speak through sessions of that kind to that endpoint; yields a temporary folder for their files.

    One thread at a time; others wait. Neither library may be used by phift outside of it, but for work on local files.
    """
    with _lock, ExitStack() as stack:
        import datasets
        import huggingface_hub
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
        _maker.append(session)
        stack.callback(_leave)
        huggingface_hub.close_session()
        huggingface_hub.HfFileSystem.clear_instance_cache()  # they keep listings, by endpoint
        yield folder


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
    # They print to stderr what becomes an error of ours; below WARNING, addresses with signatures.
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
