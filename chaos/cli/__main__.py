"""`python -m chaos.cli` is `firedrill`."""

from chaos.cli import main

if __name__ == "__main__":
    main()
