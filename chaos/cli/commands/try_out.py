"""`firedrill try`: one request by hand, and what the contract says of its answer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from chaos.adapters.clock import SystemClock
from chaos.cli.console import Answer, Block, answers, progress
from chaos.cli.options import Heal, Json, NoUp
from chaos.drills import trying
from chaos.drills.session import Options, Session, session
from chaos.drills.trying import Asked, Tried
from chaos.drills.variants import require_known
from chaos.errors import ExitCode
from chaos.evidence.files import read_json
from chaos.model.exchange import Exchange
from chaos.model.text import visible
from chaos.model.world import SeededWorld
from chaos.run.player import Player, World

app = typer.Typer()
MOST_SHOWN = 4_000
SHOWN_HEADERS = frozenset(
    {"age", "allow", "content-type", "idempotent-replayed", "location", "retry-after", "www-authenticate", "x-stale"}
)


@app.command("try")
@answers
def try_command(
    operation: Annotated[str, typer.Argument(help="placeOrder, or 'POST /api/orders/'.")],
    who: Annotated[str, typer.Option("--as", help="anonymous, customer, other, support or admin.")] = "anonymous",
    variant: Annotated[str, typer.Option(help="Whose code answers.")] = "attempt",
    where: Annotated[
        str | None, typer.Option("--id", help="In place of the path's parameter; one that exists when left out.")
    ] = None,
    query: Annotated[str, typer.Option(help="What stands after the question mark: page_size=2.")] = "",
    header: Annotated[list[str] | None, typer.Option(help="'Name: value'; once for each.")] = None,
    body: Annotated[
        str | None,
        typer.Option(
            help="Sent as it is; <<tier>>, <<order>>, <<slug>> and <<customer>> are ids that exist. '' for none."
        ),
    ] = None,
    expect: Annotated[
        int | None, typer.Option(help="The status that should come; whatever came, if documented, when left out.")
    ] = None,
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> Answer:
    """One request by hand: as whom you like, its answer, and where that differs from the contract."""
    asked = Asked(
        operation=trying.operation(operation),
        identity=trying.identity(who),
        where=where,
        query=query.removeprefix("?"),
        headers=trying.headers(header or []),
        body=body,
        expect=expect,
    )
    trying.expected(asked)
    require_known(variant)
    options = Options(bring_up=not no_up, heal_first=heal_first)
    with progress(as_json=as_json) as view, session(options, view, purpose=f"try of {variant}") as lab:
        api = lab.stack.url("api")
        view.say(f"{variant} is started on fresh data first, as for a run")
        tried = trying.tried(asked, _sent(asked, lab, variant))
    code = ExitCode.VIOLATED if tried.differs else ExitCode.HELD if tried.exchange.status else ExitCode.INCONCLUSIVE
    return Answer(
        document=trying.document(tried) | {"api": api}, text=Block("\n".join(_lines(tried, api)) + "\n"), code=code
    )


def _sent(asked: Asked, lab: Session, variant: str) -> Exchange:
    """Send each request on fresh data, so that none depends on what another one has left."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "world.json"
        lab.prepare(variant, file)
        world, seeded = World.read(file), read_json(file, SeededWorld)
    now_unix_s = clock.now_unix_s()
    key = f"try-{now_unix_s:.6f}"
    case = trying.case(asked, seeded, key=key)
    player = Player(
        lab.stack.url("api"), world, now_unix_s=clock.now_unix_s, t0_unix_s=now_unix_s, salt=key, seed=int(now_unix_s)
    )
    try:
        return player.send(case, id_=case.id, rows=None)
    finally:
        player.close()


def _lines(one: Tried, api: str) -> Iterator[str]:
    exchange = one.exchange
    yield from ("request", f"  API={api}", f"  {visible(exchange.curl)}", "", "answer")
    yield f"  {exchange.status}" if exchange.status else f"  none: {exchange.error}"
    yield from (
        f"  {name}: {visible(value)}" for name, value in sorted(exchange.headers.items()) if name in SHOWN_HEADERS
    )
    yield from (f"  {visible(line)}" for line in _body(exchange).splitlines())
    yield from ("", f"contract  {one.operation}: {one.summary} ({one.place})")
    for status, says in sorted(one.documented.items()):
        yield f"  {'→' if status == one.promised else ' '} {status}  {says}"
    yield ""
    if not exchange.status:
        yield "nothing came, so nothing is known"
    elif one.differs:
        yield f"differs from what is promised with {one.promised}"
        yield from (f"  {seen.place} · {seen.family}: {visible(seen.says)}" for seen in one.differs)
    else:
        yield f"as promised with {one.promised}"


def _body(exchange: Exchange) -> str:
    try:
        text = msgspec.json.format(exchange.body.encode(), indent=2).decode()
    except (msgspec.DecodeError, RecursionError):
        text = exchange.body
    return f"{text[:MOST_SHOWN]}\n… {len(text) - MOST_SHOWN} more characters" if len(text) > MOST_SHOWN else text
