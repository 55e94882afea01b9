"""The plan: a frozen, versioned, serializable value. Apply executes it without further decisions."""
