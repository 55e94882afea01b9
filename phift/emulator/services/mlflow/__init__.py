"""The MLflow tracking API of the workspace."""
