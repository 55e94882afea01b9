"""Online endpoints that really answer: containers (inference servers as child processes), routing, the gateway."""
