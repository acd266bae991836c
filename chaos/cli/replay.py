"""`firedrill replay` in a terminal: a panel that moves as the run did; plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from chaos.evidence.figures import quantile_text
from chaos.model.samples import Sample
from chaos.report.replay import Replay, Scene, moments
from chaos.report.samples import body, request_line, status_line, telling_headers
from chaos.report.words import headline, signed

STEP_S = 0.25
STYLES = {"ok": "green", "refused": "yellow", "fail": "red", "info": "red"}


def figures(scene: Scene) -> str:
    """`offered 50/s, served 48/s, errors 2/s, p95 110 ms`"""
    second = scene.second
    if second is None:
        return "–"
    p95 = quantile_text(second.p95_ms, second.offered)
    return f"offered {second.offered}/s, served {second.served}/s, errors {second.errors}/s, p95 {p95}"


def replay_lines(replay: Replay, stream: TextIO) -> None:
    """For a pipe, at once: every second, and each sampled answer that was not the normal one."""
    samples = [sample for sample in replay.shown.samples if sample.outcome != "ok"]
    told = 0
    for at_s in moments(replay, step_s=1.0):
        while told < len(samples) and samples[told].ended <= at_s:
            sample = samples[told]
            stream.write(f"{sample.ended:8.2f} s    {request_line(sample)} -> {status_line(sample)}\n")
            told += 1
        scene = replay.scene(at_s)
        faults = f" · faults: {', '.join(scene.faults)}" if scene.faults else ""
        stream.write(f"{at_s:6.1f} s  {scene.phase or 'after the load'}: {figures(scene)}{faults}\n")
    stream.write(f"{headline(replay.shown.document)}: {replay.shown.document.summary}\n")


def replay_live(replay: Replay, console: Console, *, speed: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """On a terminal, *speed* times as fast as it was."""
    with Live(Text(""), console=console, refresh_per_second=10, transient=False) as live:
        for at_s in moments(replay, step_s=STEP_S * max(1.0, speed / 4)):
            live.update(panel(replay, replay.scene(at_s)))
            sleep(STEP_S * max(1.0, speed / 4) / speed)
        live.update(_verdict(replay))


def panel(replay: Replay, scene: Scene) -> RenderableType:
    """One moment."""
    document = replay.shown.document
    head = Text.assemble((f"{document.title} on {document.variant}", "bold"), f"   {scene.at_s:5.1f} s")
    faults = Text(f"fault: {', '.join(scene.faults)}" if scene.faults else "no fault")
    faults.stylize("bold red" if scene.faults else "dim")
    rows: list[RenderableType] = [head, Text(scene.phase or "after the load", style="bold cyan"), faults]
    rows += [Text(figures(scene)), Text("")]
    for sample in scene.answers:
        rows += [_answer(sample), Text("")]
    return Group(*rows)


def _answer(sample: Sample) -> Text:
    text = Text(f"{request_line(sample)}  ")
    text.append(status_line(sample), style=STYLES.get(sample.outcome, ""))
    for name, value in telling_headers(sample):
        text.append(f"\n  {name}: {value}", style="dim")
    return text.append(f"\n  {body(sample)}")


def _verdict(replay: Replay) -> RenderableType:
    document = replay.shown.document
    lines = [Text(f"{headline(document)}: {document.summary}", style="bold")]
    lines += [Text(f"  {signed(f.verdict)}  {f.check}: {f.measured or f.reason}") for f in document.checks]
    return Group(*lines)
