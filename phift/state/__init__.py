"""The state of a stack: what is wanted, what is live, whose it is, and how fields are compared. Reads nothing."""
