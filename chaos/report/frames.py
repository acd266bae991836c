"""Draws a moment of a run: title, phase and fault banner, figures, the timeline so far, and answers as they came.

Pillow's own font is used, so that a video looks the same everywhere; characters that it lacks are replaced.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from chaos.evidence.figures import quantile_text
from chaos.model.verdict import Verdict
from chaos.report.chart import nice_ceiling
from chaos.report.replay import Replay, Scene
from chaos.report.samples import body, request_line, telling_headers
from chaos.report.words import ABORTED

WIDTH, HEIGHT = 1280, 720
LEFT, RIGHT, TOP, BOTTOM = 84, 1240, 214, 408
BACK, PANEL, TEXT, SOFT, GRID = "#10151b", "#182029", "#e5ebf1", "#a2afbc", "#303a45"
SERVED, OFFERED, ERRORS, BAND, FAULT = "#62adff", "#98a5b3", "#ff9361", "#3a2f14", "#f0bd4e"
OUTCOMES = {"ok": "#56d47f", "refused": "#f0bd4e", "fail": "#ff8078", "info": "#ff8078"}
VERDICTS = {"held": "#56d47f", "inconclusive": "#f0bd4e", "violated": "#ff8078"}
_SPELT = str.maketrans({"≤": "<=", "≥": ">=", "…": "...", "–": "-", "→": "->", "×": "x", "’": "'"})


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)


def plain(text: object) -> str:
    """*text* in characters that the font has."""
    spelt = " ".join(str(text).translate(_SPELT).split())
    return "".join(character if ord(character) < 256 else "?" for character in spelt)


class Canvas:
    """An image to write on."""

    def __init__(self, image: Image.Image | None = None) -> None:
        self.image = Image.new("RGB", (WIDTH, HEIGHT), BACK) if image is None else image.copy()
        self.draw = ImageDraw.Draw(self.image)

    def text(self, x: float, y: float, said: object, size: int = 20, fill: str = TEXT, room: float = 0) -> None:
        """One line, cut where *room* pixels end."""
        line = plain(said)
        if room:
            line = self._cut(line, size, room)
        self.draw.text((x, y), line, font=_font(size), fill=fill)

    def _cut(self, line: str, size: int, room: float) -> str:
        font = _font(size)
        if font.getlength(line) <= room:
            return line
        while line and font.getlength(f"{line}...") > room:
            line = line[: -max(1, len(line) // 20)]
        return f"{line}..."

    def wrapped(self, x: float, y: float, said: str, *, size: int, room: float, lines: int, fill: str) -> None:
        """Up to *lines* lines."""
        font, rest = _font(size), plain(said)
        for number in range(lines):
            if not rest:
                return
            taken = len(rest)
            while font.getlength(rest[:taken]) > room:
                taken -= max(1, taken // 20)
            last = number == lines - 1
            self.text(x, y + number * (size + 5), rest if last else rest[:taken], size, fill, room)
            rest = rest[taken:]

    def box(self, x: float, y: float, right: float, bottom: float, fill: str) -> None:
        """A filled rectangle; nothing when it has no width."""
        if right > x and bottom > y:
            self.draw.rectangle((x, y, right, bottom), fill=fill)


class Frames:
    """Frames of one replay."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.document = replay.shown.document
        self.timeline = replay.shown.timeline
        rates = [max(s.offered, s.served, s.errors) for s in self.timeline]
        self.ceiling = nice_ceiling(max(rates, default=1))
        self._ground = self._background()

    def title(self) -> Image.Image:
        """The first picture: scenario, variant, hypothesis and run."""
        canvas = Canvas()
        canvas.text(84, 190, self.document.title, 52)
        canvas.text(84, 262, f"drill {self.document.drill}, on {self.document.variant}", 30, SOFT)
        canvas.wrapped(84, 330, self.document.hypothesis, size=26, room=1100, lines=4, fill=TEXT)
        canvas.text(84, 620, f"run {self.document.run_id}, seed {self.document.seed}", 20, SOFT)
        return canvas.image

    def verdict(self) -> Image.Image:
        """What came of it: every check about the API."""
        canvas, verdict = Canvas(), self.document.verdict
        canvas.text(84, 60, (verdict + (ABORTED if self.document.aborted else "")).upper(), 52, VERDICTS[verdict])
        canvas.wrapped(84, 134, self.document.summary, size=22, room=1110, lines=3, fill=TEXT)
        for number, finding in enumerate(self.document.checks[:11]):
            y = 236 + number * 42
            canvas.text(84, y, finding.verdict, 20, VERDICTS[finding.verdict])
            canvas.text(220, y, finding.check, 20, TEXT, 400)
            unknown = finding.verdict is Verdict.INCONCLUSIVE
            said = finding.reason if unknown else finding.measured or finding.reason
            canvas.text(640, y, said, 18, SOFT, 590)
        return canvas.image

    def frame(self, scene: Scene) -> Image.Image:
        """One moment."""
        canvas = Canvas(self._ground)
        self._banner(canvas, scene)
        self._lines(canvas, scene)
        for number, sample in enumerate(scene.answers):
            top = 452 + number * 86
            canvas.box(40, top, WIDTH - 40, top + 80, PANEL)
            canvas.box(40, top, 46, top + 80, OUTCOMES.get(sample.outcome, SOFT))
            status = str(sample.status) if sample.status else "no answer"
            said = f"{status}" + (f"  {sample.reason}" if sample.reason else "")
            canvas.text(60, top + 8, f"{sample.ended:6.1f} s", 18, SOFT)
            canvas.text(150, top + 6, request_line(sample), 20, TEXT, 420)
            canvas.text(590, top + 6, said, 20, OUTCOMES.get(sample.outcome, TEXT), 250)
            headers = ", ".join(f"{name}: {value}" for name, value in telling_headers(sample))
            canvas.text(850, top + 8, headers, 16, SOFT, 380)
            canvas.wrapped(60, top + 34, body(sample), size=15, room=1160, lines=2, fill=SOFT)
        return canvas.image

    def _banner(self, canvas: Canvas, scene: Scene) -> None:
        canvas.text(LEFT, 66, scene.phase or "after the load", 34)
        canvas.text(WIDTH - 180, 66, f"{scene.at_s:6.1f} s", 34, SOFT)
        if scene.faults:
            canvas.box(340, 64, WIDTH - 200, 108, BAND)
            canvas.box(340, 64, 346, 108, FAULT)
            canvas.text(360, 73, f"fault: {', '.join(scene.faults)}", 24, FAULT, 720)
        second = scene.second
        if second is not None:
            p95 = quantile_text(second.p95_ms, second.offered)
            shown = (
                (f"{second.offered}/s", "offered", OFFERED),
                (f"{second.served}/s", "served", SERVED),
                (f"{second.errors}/s", "errors", ERRORS),
                (p95, "p95", TEXT),
            )
            for number, (value, name, colour) in enumerate(shown):
                canvas.text(LEFT + number * 290, 124, value, 34, colour)
                canvas.text(LEFT + number * 290, 164, name, 18, SOFT)

    def _x(self, at_s: float) -> float:
        return LEFT + (RIGHT - LEFT) * min(max(at_s / max(self.replay.end_s, 1.0), 0.0), 1.0)

    def _y(self, value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * min(value / self.ceiling, 1.0)

    def _background(self) -> Image.Image:
        canvas = Canvas()
        canvas.text(LEFT, 22, f"{self.document.title} on {self.document.variant}", 24, SOFT, 1000)
        for fault in self.document.faults:
            if fault.injected_s is not None:
                until_s = self.replay.end_s if fault.lifted_s is None else fault.lifted_s
                left = self._x(fault.injected_s)
                canvas.box(left, TOP, max(left + 3, self._x(until_s)), BOTTOM, BAND)
        for share in (0.0, 0.5, 1.0):
            y = self._y(share * self.ceiling)
            canvas.draw.line((LEFT, y, RIGHT, y), fill=GRID)
            canvas.text(LEFT - 44, y - 10, f"{share * self.ceiling:g}", 16, SOFT)
        for phase in self.document.phases:
            x = self._x(phase.start_s)
            canvas.draw.line((x, TOP - 8, x, BOTTOM), fill=GRID)
            canvas.text(x + 5, TOP - 16, phase.name, 14, SOFT)
        canvas.text(40, 424, "answers as they came (sampled)", 16, SOFT)
        return canvas.image

    def _lines(self, canvas: Canvas, scene: Scene) -> None:
        seen = [second for second in self.timeline if second.at_s + 1 <= scene.at_s]
        for second in seen:
            if second.errors:
                canvas.box(self._x(second.at_s), self._y(second.errors), self._x(second.at_s + 1) - 1, BOTTOM, ERRORS)
        for name, colour in (("offered", OFFERED), ("served", SERVED)):
            points = [(self._x(s.at_s + 0.5), self._y(getattr(s, name))) for s in seen]
            if len(points) > 1:
                canvas.draw.line(points, fill=colour, width=3)
        canvas.draw.line((self._x(scene.at_s), TOP - 8, self._x(scene.at_s), BOTTOM), fill=TEXT, width=2)
