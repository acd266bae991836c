"""The learner's own variant: a copy of `naive`, kept when it is made anew."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from chaos.config import CHECKOUT
from chaos.errors import InvalidInput

SHOP = CHECKOUT / "services" / "shop"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


def start(shop: Path = SHOP) -> Path:
    """Make `attempt/` from `naive`. Raises: InvalidInput when there is one already."""
    attempt = shop / "attempt"
    if attempt.exists():
        raise InvalidInput(f"{attempt}: got an attempt that is there already, expected none (firedrill attempt reset)")
    part = shop / "attempt.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(shop / "naive", part, ignore=_LEFT_OUT)
    part.rename(attempt)
    return attempt


def reset(shop: Path = SHOP) -> tuple[Path, Path | None]:
    """Make it anew; the old one is kept beside it. Returns: the attempt, and where the old one went (None without)."""
    attempt, backup = shop / "attempt", None
    if attempt.exists():
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        backup = next(
            path
            for number in range(1, 1000)
            if not (path := shop / f"attempt.backup-{stamp}{'' if number == 1 else f'-{number}'}").exists()
        )
        attempt.rename(backup)
    return start(shop), backup


def variants(shop: Path = SHOP) -> list[str]:
    """Every variant that could be run: a folder below services/shop with a settings module."""
    return sorted(path.parent.name for path in shop.glob("*/settings.py") if path.parent.name.isidentifier())
