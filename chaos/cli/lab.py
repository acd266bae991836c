"""What commands ask of the stack that runs, or may not run."""

from __future__ import annotations

import subprocess

import typer

from chaos.config import CHECKOUT, NotUp, Stack, read_stack
from chaos.errors import ExitCode, LabBroken
from launch import environment
from launch.python import PYTHON


def running() -> Stack:
    """Raises: LabBroken when the stack is down."""
    stack = read_stack()
    if isinstance(stack, NotUp):
        raise LabBroken(f"stack: got a stack that is down ({stack.reason}), expected it up (make up)")
    return stack


def hand_over(module: str, *arguments: str) -> None:
    """Run another program of the lab in place of this command: same terminal, same exit code."""
    command = [*PYTHON, "-m", module, *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment.for_commands(), check=False)
    raise typer.Exit(done.returncode if done.returncode >= 0 else ExitCode.LAB_BROKEN)  # below 0: a signal ended it
