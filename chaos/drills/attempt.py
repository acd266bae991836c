"""The learner's own variant: a copy of `naive`, kept when it is made anew."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from chaos.config import CHECKOUT
from chaos.drills.mutants import MUTANT_PREFIX
from chaos.errors import InvalidInput, LabBroken

SHOP = CHECKOUT / "services" / "shop"
STARTER = Path(__file__).parent / "starter"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


def start(shop: Path = SHOP) -> Path:
    """Make `attempt/` from `naive`, with a first test of its own.

    Raises: InvalidInput when there is one already, LabBroken when it can't be.
    """
    attempt = shop / "attempt"
    if attempt.exists():
        raise InvalidInput(f"{attempt}: got an attempt that is there already, expected none (firedrill attempt reset)")
    part = shop / "attempt.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(shop / "naive", part, ignore=_LEFT_OUT)
        shutil.copytree(STARTER / "tests", part / "tests", ignore=_LEFT_OUT)
        part.rename(attempt)
    except OSError as error:  # of which copytree's kind is a list
        shutil.rmtree(part, ignore_errors=True)
        raise LabBroken(f"{attempt}: got {error.strerror or error}, expected a copy of naive") from None
    return attempt


def reset(shop: Path = SHOP) -> tuple[Path, Path | None]:
    """Make it anew; the old one is kept beside it. Raises: LabBroken; the old one then stays where it was.

    Returns: the attempt, and where the old one went (None without).
    """
    attempt, backup = shop / "attempt", None
    if attempt.exists():
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        backup = next(
            path
            for number in range(1, 1000)
            if not (path := shop / f"attempt.backup-{stamp}{'' if number == 1 else f'-{number}'}").exists()
        )
        try:
            attempt.rename(backup)
        except OSError as error:
            raise LabBroken(f"{attempt}: got {error.strerror or error}, expected to keep it as {backup.name}") from None
    try:
        return start(shop), backup
    except LabBroken:
        if backup is not None:
            backup.rename(attempt)
        raise


def variants(shop: Path = SHOP) -> list[str]:
    """Every variant that a person works with: a folder below services/shop with a settings module, mutants left out."""
    names = (path.parent.name for path in shop.glob("*/settings.py"))
    return sorted(name for name in names if name.isidentifier() and not name.startswith(MUTANT_PREFIX))
