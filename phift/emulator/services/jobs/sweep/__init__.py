"""Sweep jobs: their search spaces, samplers, policies, and the job that runs the trials."""
