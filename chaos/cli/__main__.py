"""`python -m chaos.cli` is `firedrill`."""

from chaos.cli import main

main()
