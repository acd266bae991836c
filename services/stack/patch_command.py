"""What `python -m services.stack.mutants` and `.drafts` do: check all patches, or save edits into them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from services.stack.errors import StackError


def main(words: Sequence[str], *, complaints: Callable[[], Iterable[str]], save: Callable[[str], Path]) -> int:
    """Exit 2 and a line for each complaint; `save NAME…` writes the patch of each name instead."""
    if words[:1] == ["save"]:
        try:
            for name in words[1:]:
                sys.stdout.write(f"{save(name)}\n")
        except StackError as error:
            sys.stderr.write(f"{error.message}\n")
            return error.exit_code
        return 0
    found = list(complaints())
    sys.stderr.write("".join(f"{line}\n" for line in found))
    return 2 if found else 0
