"""model: a registered MLflow model, or a reference to one."""
