"""Models of the Hugging Face hub, as folders."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

__all__ = ["NotDownloaded", "download"]

_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", "*.md", "LICENSE*"]


class NotDownloaded(Exception):
    """The model is not available; the text says of which id, and why. unreachable: the hub was not reached."""

    def __init__(self, text: str, *, unreachable: bool) -> None:
        super().__init__(text)
        self.unreachable = unreachable


def download(name: str, target: Path, revision: str | None = None) -> None:
    """Fill a folder with the weights, configuration and tokenizer of a model, from HF_ENDPOINT or the local cache.

    With HF_HUB_OFFLINE=1 the cache alone is read. Raises NotDownloaded.
    """
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # read when it is imported
    import huggingface_hub
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    offline = huggingface_hub.is_offline_mode()
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        if offline:
            shutil.copytree(
                huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=_FILES),
                target,
                dirs_exist_ok=True,
            )
        else:
            huggingface_hub.snapshot_download(name, revision=revision, local_dir=target, allow_patterns=_FILES)
    except (OfflineModeIsEnabled, LocalEntryNotFoundError) as error:
        why = "HF_HUB_OFFLINE is set" if offline else f"{endpoint} cannot be reached"
        raise NotDownloaded(f"{name}: {why}", unreachable=True) from error
    except GatedRepoError as error:
        text = f"{name}: access is restricted at {endpoint}; accept its terms there and set HF_TOKEN"
        raise NotDownloaded(text, unreachable=False) from error
    except RepositoryNotFoundError as error:
        text = f"{name} is not a model of {endpoint}, or it is private and HF_TOKEN does not admit to it"
        raise NotDownloaded(text, unreachable=False) from error
    except RevisionNotFoundError as error:
        raise NotDownloaded(f"{name} does not have the revision {revision}", unreachable=False) from error
    except (HfHubHTTPError, ValueError) as error:
        raise NotDownloaded(f"{name}: {endpoint} answered: {str(error).splitlines()[0]}", unreachable=False) from error
    except OSError as error:
        raise NotDownloaded(
            f"{name}: {endpoint} cannot be reached ({type(error).__name__})", unreachable=True
        ) from error
