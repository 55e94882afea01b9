"""Graphs of dependent work, independent of what the work is."""
