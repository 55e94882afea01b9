"""Jobs that really run: the queue, the runner, and the documents that clients see."""
