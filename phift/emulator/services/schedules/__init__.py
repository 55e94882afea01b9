"""Schedules that create jobs."""
