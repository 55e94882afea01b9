"""Jobs that really run: the queue, the worker process, its steps, and what clients see of them."""
