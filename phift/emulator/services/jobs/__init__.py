"""Jobs that really run: the queue, what runs a job, and what clients see of it."""
