"""How results are told: to people, to programs, to a pull request. Below here are values and events, here the words."""
