"""`python -m phift`."""

from phift.cli.main import main

if __name__ == "__main__":
    main()
