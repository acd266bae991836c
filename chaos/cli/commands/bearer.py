"""`firedrill token`: somebody's token, for requests that the lab does not send."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from chaos.cli.console import Answer, Block, answers, progress
from chaos.cli.options import Heal, Json, NoUp
from chaos.drills.session import Options, session
from chaos.drills.variants import require_known
from chaos.errors import InvalidInput
from chaos.model.exchange import IDENTITIES
from chaos.model.folder import File
from chaos.run.player import World

app = typer.Typer()
HAVE_ONE = tuple(name for name in IDENTITIES if name != "anonymous")


@app.command()
@answers
def token(
    who: Annotated[str, typer.Argument(metavar="IDENTITY", help="customer, other, support or admin.")],
    variant: Annotated[str, typer.Option(help="Whose code is started, on fresh data.")] = "attempt",
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> Answer:
    """A bearer token of somebody of the seeded world, good for an hour, for curl or another tool."""
    if who not in HAVE_ONE:
        raise InvalidInput(f"identity: got {who!r}, expected one of {', '.join(HAVE_ONE)}")
    require_known(variant)
    options = Options(bring_up=not no_up, heal_first=heal_first)
    with (
        tempfile.TemporaryDirectory() as scratch,
        progress(as_json=as_json) as view,
        session(options, view, purpose=f"token for {variant}") as lab,
    ):
        file = Path(scratch) / File.WORLD
        lab.prepare(variant, file)
        access = str(World.read(file).cast[who]["access"])
        api = lab.stack.url("api")
    document = {"identity": who, "variant": variant, "api": api, "token": access}
    return Answer(document=document, text=Block(f"{access}\n"))
