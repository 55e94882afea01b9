"""The worker that trains a job's steps, and its rehearsal. Only steps/ imports torch."""
