"""Requests drawn by schemathesis itself, where it is installed; what is told where it is not, or fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from chaos.adapters import apart, drawing
from chaos.errors import LabBroken
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.drawn import Drawn
from launch import environment

installed = pytest.mark.skipif(
    not (drawing.folder() / "bin" / "python").exists(), reason="no run has drawn requests here yet"
)


@installed
def test_the_same_seed_draws_the_same_and_another_seed_others() -> None:
    document = reference()
    paths = document["paths"]
    document["paths"] = {path: paths[path] for path in ("/api/orders/", "/api/admin/tiers/{id}/")}
    first = drawing.draw(document, seed=7, cases=5)
    assert first == drawing.draw(document, seed=7, cases=5)
    assert first != drawing.draw(document, seed=8, cases=5)
    assert {one.operation for one in first} <= Contract(document).operations.keys()
    assert {(one.operation, one.valid) for one in first} >= {("POST /api/orders/", True), ("POST /api/orders/", False)}
    assert all(one.path.isascii() and one.path.startswith("/") for one in first)


def quantity(one: Drawn) -> int:
    return int(json.loads(one.body or "{}").get("quantity", 0))


@installed
def test_it_finds_the_smallest_request_that_shows_something() -> None:
    document = reference()
    document["paths"] = {"/api/orders/": document["paths"]["/api/orders/"]}
    finding, asked = drawing.smaller(document, seed=7, cases=15), list[Drawn]()

    def shows(one: Drawn) -> bool:
        asked.append(one)
        return quantity(one) >= 2

    try:
        for _ in range(2):  # one after the other, of the same program
            asked.clear()
            finding.find("POST /api/orders/", valid=True, shows=shows)
            smallest = [one for one in asked if quantity(one) >= 2][-1]
            assert json.loads(smallest.body or "") == {"tier": 0, "quantity": 2}
            assert any(quantity(one) < 2 for one in asked)
        asked.clear()
        finding.find("GET /api/orders/", valid=False, shows=lambda one: bool(asked.append(one)))
        assert {one.operation for one in asked} == {"GET /api/orders/"}
    finally:
        finding.close()
    with pytest.raises(LabBroken, match="schemathesis"):
        finding.find("GET /api/orders/", valid=False, shows=shows)


def test_without_it_or_with_a_failure_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(drawing, "folder", lambda: tmp_path)
    with pytest.raises(LabBroken, match="No such file"):
        drawing.draw({}, seed=1, cases=1)
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    for text, said in (
        ("echo broken >&2; exit 1", "got 'broken', expected requests"),
        ("echo '{}'", "missing required"),
    ):
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        with pytest.raises(LabBroken, match=said):
            drawing.draw({}, seed=1, cases=1)


def test_it_is_made_once_and_anew_for_another_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[str] = []
    monkeypatch.setattr(apart, "_installing", lambda command, *_: made.append(command[-1]))
    place, lock = tmp_path / "place", tmp_path / "x.lock"
    place.mkdir()
    lock.write_text("a==1\n")
    said: list[str] = []
    monkeypatch.setattr("chaos.adapters.apart.shutil.rmtree", lambda *_, **__: None)
    for _ in range(2):
        assert apart.get(lock, place, "x", "why", said.append) == place
    assert (made, said) == ([str(place), str(lock)], ["x             why"])
    lock.write_text("a==2\n")
    apart.get(lock, place, "x", "why", said.append)
    assert len(made) == 4


def test_the_installer_has_the_index_that_the_caller_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_set_aside", {"PIP_INDEX_URL": "https://mirror.example/simple"})
    tell = "import os, sys; print(os.environ.get('PIP_INDEX_URL')); sys.exit(1)"
    with pytest.raises(LabBroken, match=r"mirror\.example"):
        apart._installing([sys.executable, "-c", tell], drawing.LOCK, "x", 1, lambda _: None)
