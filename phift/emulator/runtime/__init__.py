"""What runs the user's work, each in a process of its own: training, tracking, serving."""
