"""phift: fine-tune and serve a language model on Azure Machine Learning, from one YAML file."""

__version__ = "0.2.0"

__all__ = ["__version__"]
