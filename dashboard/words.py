"""Signs and words. A sign never stands without its word, and colour is never the only difference."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from chaos.evidence.figures import NO_ANSWER
from chaos.model.text import visible

UNKNOWN = "–"
SCORES = {0: "Unfamiliar", 1: "Assisted", 2: "Independent", 3: "Owner"}
VARIANTS = ("naive", "hardened", "attempt")

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Sign:
    """A mark with its word.

    Attributes:
        tone: `good`, `warn`, `bad` or `none`: the colour it is drawn in.
    """

    mark: str
    word: str
    tone: str

    @property
    def text(self) -> str:
        return f"{self.mark} {self.word}"


_VERDICTS = {
    "held": Sign("●", "held", "good"),
    "inconclusive": Sign("▲", "inconclusive", "warn"),
    "violated": Sign("■", "violated", "bad"),
}
NO_STATUS = Sign("○", "No score yet", "none")
GOOD, WARN, BAD = "●", "▲", "■"


def plain(value: object, *, most: int = 80) -> str:
    """A text from outside with its Markdown escaped, since an address can contain anything."""
    shown = " ".join(visible(str(value)).split())
    shown = shown if len(shown) <= most else shown[: most - 1] + "…"
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", shown)


def notes(markdown: str) -> str:
    """A learner's Markdown without pictures: those could be fetched from anywhere."""
    return visible(markdown).replace("![", "!\\[")


def verdict_sign(verdict: str) -> Sign:
    """A verdict as it is shown; a word that this version doesn't know is shown as it came."""
    return _VERDICTS.get(verdict, Sign("○", verdict or "no verdict", "none"))


UNREADABLE = Sign(WARN, "verdict unreadable", "warn")


def run_sign(verdict: str, *, aborted: bool) -> Sign:
    """The sign of a whole run; one that did not reach its end is marked so, whatever its verdict is."""
    sign = verdict_sign(verdict)
    return replace(sign, word=f"{sign.word}, aborted") if aborted else sign


def status_sign(score: int | None) -> Sign:
    """The status that follows from a score: 2–3 competent, 1 guided practice, 0 critical gap, none while unscored."""
    if score is None:
        return NO_STATUS
    if score >= 2:
        return Sign("🟢", "Owner" if score == 3 else "Competent", "good")
    return Sign("🟡", "Needs guided practice", "warn") if score == 1 else Sign("🔴", "Critical gap", "bad")


def score_text(score: int | None) -> str:
    return "not scored" if score is None else f"{score} · {SCORES.get(score, '?')}"


def age_text(seconds: float) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 days ago`; a clock that runs behind counts as now."""
    if seconds < _MINUTE_S:
        return "just now"
    if seconds < _HOUR_S:
        return f"{int(seconds // _MINUTE_S)} min ago"
    if seconds < _DAY_S:
        return f"{int(seconds // _HOUR_S)} h ago"
    days = int(seconds // _DAY_S)
    return "1 day ago" if days == 1 else f"{days} days ago"


def duration_text(seconds: float | None) -> str:
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE_S else f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def rate_text(per_s: float | None) -> str:
    return UNKNOWN if per_s is None or not math.isfinite(per_s) else f"{per_s:.1f}/s"


def count_text(count: float | None) -> str:
    return UNKNOWN if count is None or not math.isfinite(count) else f"{count:,.0f}"


def ratio_text(ratio: float | None) -> str:
    if ratio is None or not math.isfinite(ratio):
        return UNKNOWN
    return "0 %" if ratio == 0 else "< 0.1 %" if ratio < 0.001 else f"{ratio:.1%}".replace("%", " %")


def quantile_text(value_ms: float | None, operations: int) -> str:
    """A quantile of the load: `no answer` where the operation at that rank got none that was promised."""
    if value_ms is None:
        return NO_ANSWER if operations else UNKNOWN
    return latency_text(value_ms / 1000)


def latency_text(seconds: float | None, *, top_bucket_s: float | None = None) -> str:
    """Milliseconds below a second. In the histogram's top bucket only a lower bound is known: `≥ 10 s`."""
    if seconds is None or math.isnan(seconds):
        return UNKNOWN
    at_least = math.isinf(seconds) or (top_bucket_s is not None and seconds >= top_bucket_s)
    shown = top_bucket_s if math.isinf(seconds) else seconds
    if shown is None:
        return UNKNOWN
    text = f"{shown * 1000:.0f} ms" if shown < 1 else f"{shown:.2f}".rstrip("0").rstrip(".") + " s"
    return f"≥ {text}" if at_least else text
