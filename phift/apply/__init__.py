"""Apply a plan: run its units of work as a graph, wait with deadlines, keep a journal, and emit events."""
