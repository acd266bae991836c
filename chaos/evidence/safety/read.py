"""Reads what pictures are made of from a run's folder, finished or growing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from chaos.evidence.figures import history_of_page
from chaos.evidence.files import MOST_STATE_BYTES, Unreadable, read_json
from chaos.evidence.limits import read_scenario
from chaos.evidence.safety.charges import Charges
from chaos.evidence.safety.doors import AfterRevocation, Doors, after_lifetime, somebody_elses
from chaos.evidence.safety.picture import Drawing, End, Known, Picture, SeatedWorld
from chaos.evidence.safety.seats import Seats
from chaos.model import accounts
from chaos.model.folder import File

MOST_LIVE_BYTES = 16 * 2**20
"""Of a history that is read again and again while it grows."""

DRAWINGS: Mapping[str, Callable[[], Drawing]] = {
    "no_oversell": Seats,
    "charged_exactly_once": Charges,
    "no_accepted_after_revocation": AfterRevocation,
    "no_expired_accepted": partial(
        Doors, "no_expired_accepted", "Access tokens after their lifetime", "accepted", after_lifetime
    ),
    "no_forged_accepted": partial(
        Doors, "no_forged_accepted", "Forged tokens", "accepted", lambda op: op.state.startswith(accounts.FORGED)
    ),
    "no_privilege_gained": partial(
        Doors, "no_privilege_gained", "Customers at the doors of staff", "let in",
        lambda op: op.state == accounts.UNPRIVILEGED,
    ),
    "no_foreign_object_seen": partial(
        Doors, "no_foreign_object_seen", "What belongs to another customer", "shown", somebody_elses
    ),
}  # fmt: skip
"""Check → what draws it, in the order of the pictures."""


def drawn_checks(folder: Path) -> tuple[str, ...]:
    """The checks of the folder's scenario that can be drawn."""
    entries = read_scenario(folder / File.SCENARIO).get("checks")
    listed = entries if isinstance(entries, list) else []
    asked = {str(entry.get("invariant")) for entry in listed if isinstance(entry, dict)}
    return tuple(check for check in DRAWINGS if check in asked)


def pictures(folder: Path, *, t0_unix_s: float | None, most: int | None = None) -> tuple[Picture, ...]:
    """A picture for each check that has something to show; none for a history of more than *most* bytes.

    Args:
        t0_unix_s: Second 0 of the load; None before it is scheduled.
    """
    drawings = {check: DRAWINGS[check]() for check in drawn_checks(folder)}
    if not drawings or t0_unix_s is None:
        return ()
    try:
        for op in history_of_page(folder, most=most):
            for drawing in drawings.values():
                drawing.feed(op)
    except Unreadable:
        return ()
    known = Known(world=_world(folder), end=_end(folder), t0_unix_s=t0_unix_s)
    found = (drawing.picture(known) for drawing in drawings.values())
    return tuple(picture for picture in found if picture is not None)


def _world(folder: Path) -> SeatedWorld:
    try:
        return read_json(folder / File.WORLD, SeatedWorld)
    except Unreadable:
        return SeatedWorld()


def _end(folder: Path) -> End | None:
    try:
        return read_json(folder / File.STATE, End, most=MOST_STATE_BYTES)
    except Unreadable:
        return None
