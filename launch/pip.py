"""Runs pip as the lab needs it: `python -I launch/pip.py WORDS…`, with the Python of a virtual environment.

The caller chooses where packages come from (index, proxy, certificates, cache), by variables or in pip's configuration
files. Other settings there (`user`, `target`, `require-virtualenv`, …) would put the packages elsewhere or refuse them,
so pip does not get them.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from launch import environment

_PIP = (sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input")


def settings(listed: str, wanted: tuple[str, ...]) -> dict[str, str]:
    """The PIP_… variables in *wanted* for the output of `pip config list`, where variables already override files."""
    found: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.partition(".")
        name = f"PIP_{option.upper().replace('-', '_')}"
        if name in wanted and section in {"global", "install", ":env:"}:
            found[name] = " ".join(str(ast.literal_eval(value)).split())
    return found


def main(words: list[str]) -> int:
    """Run pip; returns its exit code."""
    environ = environment.for_installers()
    wanted = tuple(name for name in environment.names()["installers"] if name.startswith("PIP_"))
    asked = subprocess.run([*_PIP, "config", "list"], env=environ, capture_output=True, text=True, check=False)
    environ |= settings(asked.stdout, wanted) | {"PIP_CONFIG_FILE": os.devnull}
    return subprocess.run([*_PIP, *words], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
