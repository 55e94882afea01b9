"""An MLflow model of a language model, as mlflow.transformers.save_model writes it: `python make.py FOLDER`."""

import shutil
import sys
from pathlib import Path

from phift.emulator.runtime import foundation

folder = Path(sys.argv[1])
shutil.copytree(foundation.WEIGHTS, folder / "model")
(folder / "MLmodel").write_text(
    "flavors:\n  transformers: {model_binary: model, task: text-generation, inference_task: llm/v1/chat}\n"
)
