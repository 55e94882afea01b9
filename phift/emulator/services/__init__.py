"""One folder per service of Azure: routes.py answers, the other files are what it needs."""
