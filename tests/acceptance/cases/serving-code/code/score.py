import json
import os
from pathlib import Path


def init():
    global words
    words = next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("words.txt")).read_text().split()


def run(data):
    asked = json.loads(data)["input_data"]["input_string"][-1]["content"]
    return {"output": " ".join([*words, asked])}
