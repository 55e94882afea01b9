"""The local copy of Azure's public `azureml` registry, published from the catalogue."""
