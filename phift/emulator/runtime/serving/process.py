"""The process of one container: `python -m phift.emulator.runtime.serving.process SOCKET WORKERS`.

Azure's inference server under gunicorn, on a unix socket. Everything else comes by the environment, as on Azure.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from phift.emulator.runtime.child import watch_lifeline
from phift.emulator.runtime.training.worker import quiet
from phift.startup import importing

__all__ = ["main"]

_APPLICATION = "azureml_inference_server_http.server.entry:app"
_UMASK = 0o077
_BOOT_SECONDS = 600  # gunicorn's timeout covers the loading of the model; requests are limited by SCORING_TIMEOUT_MS


def main(socket: str, workers: str) -> None:
    """Serve until it is stopped; does not return."""
    watch_lifeline()
    quiet()
    if os.environ.get("PHIFT_SHARED_IMPORTS") == "1":
        from phift.emulator.runtime.serving.generation import import_libraries

        with importing():
            import_libraries(Path(os.environ["AZUREML_MODEL_DIR"]))
    sys.argv = [
        "gunicorn",
        f"--bind=unix:{socket}",
        f"--workers={workers}",
        f"--timeout={_BOOT_SECONDS}",
        f"--umask={_UMASK}",  # its own default would open the socket, and what a script writes, to all users
        "--graceful-timeout=30",
        "--no-control-socket",  # gunicorn 26 would open one in the home folder, the same for all
        _APPLICATION,
    ]
    from gunicorn.app.wsgiapp import run

    run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
