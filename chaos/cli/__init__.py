"""`firedrill`: the command line."""

from chaos.cli.app import main

__all__ = ["main"]
