"""Run history: runs, their metrics, logs and artifacts."""
