"""What the workflows of `phift ci` run: the plan of a pull request, the apply after its merge, drift."""
