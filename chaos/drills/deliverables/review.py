"""Drill 6's deliverable: the annotated sample as Markdown and HTML, and the mended code as a patch."""

from __future__ import annotations

from pathlib import Path

from chaos.drills import attempt as attempts
from chaos.drills import review as reviews
from chaos.drills.deliverables.work import Work, Written
from chaos.errors import InvalidInput
from chaos.files import write_atomic
from chaos.model.patch import parts
from chaos.report import annotated


def require(shop: Path) -> bool:
    """Whether a machine can grade it: nobody has a key to imported code. Raises: InvalidInput as `deliver`."""
    review = reviews.load(shop=shop)
    _ready(review, refactored(shop))
    return review.state.seed is not None


def write(to: Path, work: Work) -> Written:
    """The annotated sample and the mended code."""
    return Written(paths=deliver(to, shop=work.shop))


def _ready(review: reviews.Review, patch: bytes) -> None:
    if not review.notes:
        raise InvalidInput("deliver: got no notes, expected the sample annotated (firedrill review start)")
    if not patch and review.state.seed is not None:
        raise InvalidInput(
            f"deliver: got the code as it was given, expected it mended in attempt/{review.state.package}/"
        )


def deliver(folder: Path, *, shop: Path = attempts.SHOP) -> list[Path]:
    """Write all three into *folder*. Raises: InvalidInput without notes, or when nothing was mended."""
    review = reviews.load(shop=shop)
    patch = refactored(shop)
    _ready(review, patch)
    folder.mkdir(parents=True, exist_ok=True)
    named = "imported code" if review.state.seed is None else f"seed {review.state.seed}"
    contents = {
        "review.md": annotated.markdown(review.state.files, review.notes, named=named).encode(),
        "review.html": annotated.html(review.state.files, review.notes, named=named).encode(),
        "refactor.patch": patch,
    }
    for name, content in contents.items():
        write_atomic(folder / name, content)
    return [folder / name for name in contents]


def refactored(shop: Path = attempts.SHOP) -> bytes:
    """What became of the code that was given, for `git apply` below the attempt; the notes on it left out."""
    whole = attempts.patch("attempt", shop) or b""
    return b"".join(part for name, part in parts(whole) if not name.startswith(f"{reviews.FOLDER}/"))
