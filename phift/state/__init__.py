"""The state of a stack: desired and live resources, ownership, and field rules. Plain values without I/O."""
