"""One folder per service of Azure: routes.py has its handlers, the other files what they need."""
