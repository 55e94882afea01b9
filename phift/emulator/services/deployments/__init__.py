"""Deployments of online endpoints."""
