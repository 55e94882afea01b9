"""Carrying out a plan: units of work in a graph, waits with deadlines, a journal, and events for whoever watches."""
