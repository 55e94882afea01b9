"""Graphs of dependent work, without a word of what the work is."""
