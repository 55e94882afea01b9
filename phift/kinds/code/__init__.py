"""code: the folder of a custom scoring script, identified by its content."""
