"""What serves deployments: containers (inference servers as child processes) and their supervisor."""
