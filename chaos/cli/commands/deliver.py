"""`firedrill deliver`: what a drill asks to be handed in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chaos.cli.console import Answer, answers
from chaos.config import evidence_dir
from chaos.drills import contract_audit, deliver_contract, deliver_queries, drafts
from chaos.drills.deliver_review import deliver
from chaos.errors import InvalidInput

app = typer.Typer()


@app.command("deliver")
@answers
def deliver_command(
    drill: Annotated[str, typer.Argument(metavar="DRILL", help="1, 2 or 6; or its key, such as orm-queries.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="A folder; below evidence/deliverables when left out.")
    ] = None,
) -> Answer:
    """What a drill asks you to hand in, as files. Offline."""
    if to is not None and any(one.exists() and not one.is_dir() for one in (to, *to.parents)):
        raise InvalidInput(f"--to: got {to}, expected a folder, or the name of a new one")
    folder = evidence_dir() / "deliverables"
    match drill:
        case "1" | contract_audit.KEY:
            return Answer(text=deliver_contract.deliver(drafts.drafted("1"), to or folder / "drill-1"))
        case "2" | "orm-queries":
            found = deliver_queries.deliver(to or folder / "drill-2", root=evidence_dir())
        case "6" | "ai-review":
            found = deliver(to or folder / "drill-6")
        case _:
            raise InvalidInput(f"drill: got {drill!r}, expected 1 (api-contract), 2 (orm-queries) or 6 (ai-review)")
    return Answer(text=[f"written: {path}" for path in found])
