"""What a command found, and the one place that prints it: one JSON document, or text for people."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec

import msgspec
import typer

from chaos.errors import ExitCode, FiredrillError
from chaos.model.text import struct_visible, visible, visible_json

if TYPE_CHECKING:  # Rich takes a tenth of a second to import, and most commands print without it
    from chaos.cli.views import LiveView, PlainView
    from chaos.model.verdict import VerdictDocument


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that no terminal may wrap: tables, reports. They end with a line break of their own."""

    lines: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts side by side: a table on a terminal, lines in a pipe."""

    documents: Sequence[VerdictDocument]


Part = str | Block | Verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command found.

    Attributes:
        document: For `--json`; None where there is none, or where it was told already.
        text: For people; a part that is a string gets a line break, an empty string is an empty line.
        problems: For people too, on stderr.
        code: How the command ends.
    """

    document: Any = None
    text: Part | Sequence[Part] = ()
    problems: Sequence[str] = ()
    code: ExitCode = ExitCode.HELD


Given = ParamSpec("Given")


def answers(command: Callable[Given, Answer]) -> Callable[Given, NoReturn]:
    """Print what *command* answers, as its parameter `as_json` says, and end with its code."""

    @functools.wraps(command)
    def called(*args: Given.args, **kwargs: Given.kwargs) -> NoReturn:
        answer = command(*args, **kwargs)
        tell(answer, as_json=bool(kwargs.get("as_json")))
        raise typer.Exit(answer.code)

    return called


def tell(answer: Answer, *, as_json: bool) -> None:
    """Print *answer*."""
    if as_json:
        if answer.document is not None:
            show_document(answer.document)
        return
    show(answer.text)
    sys.stdout.flush()  # what reads a pipe of `watch` hears of a look when it ends, not of all of them at the end
    sys.stderr.write("".join(f"firedrill: {visible(line)}\n" for one in answer.problems for line in one.split("\n")))


def show(text: Part | Sequence[Part]) -> None:
    """Print text for people. In a pipe nothing is wrapped, since its reader may be a program."""
    for part in [text] if isinstance(text, str | Block | Verdicts) else text:
        match part:
            case Block(lines):
                sys.stdout.write(visible(lines))
            case Verdicts(documents):
                _compare([struct_visible(document) for document in documents])
            case _ if sys.stdout.isatty():
                _rich(visible(part))
            case _:
                sys.stdout.write(f"{visible(part)}\n")


def _compare(documents: Sequence[VerdictDocument]) -> None:
    from chaos.report.compare import comparison_table, comparison_text  # noqa: PLC0415 - with Rich

    if sys.stdout.isatty():
        _rich(comparison_table(documents))
    else:
        sys.stdout.write(comparison_text(documents))


def _rich(what: Any) -> None:
    from chaos.cli.terminal import Terminal  # noqa: PLC0415 - with Rich

    Terminal().print(what, highlight=False, markup=False)


def show_document(content: Any) -> None:
    """One JSON document on stdout."""
    try:
        text = msgspec.json.format(msgspec.json.encode(content), indent=2)
    except UnicodeEncodeError:  # a file name that is no text
        text = json.dumps(content, indent=2).encode()
    sys.stdout.buffer.write(visible_json(text.decode()).encode() + b"\n")
    sys.stdout.flush()


def complain(error: FiredrillError) -> None:
    """Why a command ended early."""
    if "--json" in sys.argv:
        show_document({"error": {"exit_code": int(error.exit_code), "message": str(error)}})
    sys.stderr.write("".join(f"firedrill: {visible(line)}\n" for line in str(error).split("\n")))


def aside(text: str) -> None:
    """Progress, which is no part of what was asked for."""
    sys.stderr.write(f"{visible(text)}\n")


@contextmanager
def progress(*, as_json: bool) -> Iterator[PlainView | LiveView]:
    """Where a run is followed while it goes on."""
    from rich.console import Console  # noqa: PLC0415

    from chaos.cli.views import LiveView, PlainView  # noqa: PLC0415 - with Rich

    stream = sys.stderr if as_json else sys.stdout
    view = LiveView(Console(file=stream)) if stream.isatty() else PlainView(stream)
    try:
        yield view
    finally:
        view.close()
