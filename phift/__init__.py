"""phift: a language model from base weights to a served endpoint on Azure Machine Learning, from one YAML file."""

__version__ = "0.2.0"

__all__ = ["__version__"]
