"""The MLflow tracking server, and what sends it the metrics of jobs."""
