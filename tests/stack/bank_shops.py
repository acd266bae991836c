"""Shops with chosen flaws of a bank, several at a time; only the API runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from services.stack.bank import Flaw, anyway, planted
from services.stack.composition import composition, fit
from services.stack.patched import tree
from tests.stack.shop_fixtures import ROOT, Shop, ShopServices, copy_of, eventually

SHOP = ROOT / "services/shop"


def rounds(flaws: Sequence[Flaw], base: str) -> list[list[Flaw]]:
    """*flaws* in as few groups as fit together: of a slot one at most."""
    texts, groups = tree(SHOP / base), list[list[Flaw]]()
    for flaw in flaws:
        for group in groups:
            if all(other.slot != flaw.slot and fit(texts, flaw, other) for other in group):
                group.append(flaw)
                break
        else:
            groups.append([flaw])
    return groups


@contextmanager
def flawed(
    services: ShopServices, base: str, flaws: Sequence[Flaw], name: str, folder: Path, **more: str
) -> Iterator[Shop]:
    """The API of *base* with *flaws*, on a copy of a seeded database of *base*. *more* overrides its environment."""
    seeded = _seeded(services, base)
    root = copy_of(base, name, folder)
    for path, text in composition(tree(SHOP / base), flaws).items():
        (root / "services/shop" / name / path).write_text(text)
    with psycopg.connect(services.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "shop_{name}" TEMPLATE "shop_{seeded.variant}"')
    shop = services.make(name, root=root, **more)
    shop.world = seeded.world
    shop.start("api")
    try:
        eventually(lambda: _live(shop), within_s=180, what=f"the API of {name}, see {shop.folder}")
        yield shop
    finally:
        shop.stop()
        shutil.rmtree(folder / "checkout", ignore_errors=True)


def _seeded(services: ShopServices, base: str) -> Shop:
    """A database that is only copied: not that of the shared shop, which other tests are using."""
    name = f"seeded_{base}"
    root = services.folder / name / "checkout"
    if not root.exists():
        copy_of(base, name, root.parent)
    shop = services.make(name, root=root)
    if not (shop.folder / "world.json").exists():
        shop.prepare()
    shop.world = json.loads((shop.folder / "world.json").read_text())
    return shop


def _live(shop: Shop) -> bool:
    try:
        return shop.get("/live").status == 200
    except OSError:
        return False


def bank() -> list[Flaw]:
    """Drill 1's."""
    return planted(1)


def own() -> list[Flaw]:
    """What `naive` has anyway."""
    return anyway(1)
