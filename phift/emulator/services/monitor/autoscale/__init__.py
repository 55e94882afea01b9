"""Autoscale settings: stored, checked, evaluated, and what they change."""
