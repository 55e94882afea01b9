"""The stand-in for base weights that are not available offline: a tiny Phi-3, its facts, the script that builds it."""

from pathlib import Path

__all__ = ["WEIGHTS"]

WEIGHTS = Path(__file__).parent / "weights"
"""The stand-in as a Hugging Face model folder: 2.2 MB of weights, tokenizer, chat template."""
