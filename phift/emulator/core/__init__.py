"""What every service uses: the application, routing, the store, operations, errors, validation, faults, pace."""
