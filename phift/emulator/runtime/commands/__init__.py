"""What runs the commands of jobs: the child process, its sandbox, its variables and the text of the command."""
