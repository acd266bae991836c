"""A mentor's sign-off: taken whole or not at all, and shown as a confirmation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from services.scorecard import drill_map, services
from services.scorecard.models import Confirmation, Run

URL = "/api/drill-map/"
CODE = "ab" * 32
AddRuns = Callable[..., None]


def run(seed: int = 77, **about: Any) -> dict[str, Any]:
    """As `firedrill` indexes a run."""
    return {
        "run_id": f"20261129-101500-flash-sale-attempt-s{seed}", "scenario": "concurrency/flash-sale",
        "title": "Flash sale", "drill": 3, "variant": "attempt", "seed": seed, "scale": 1.0, "verdict": "held",
        "started_at": "2026-11-29T10:15:00Z", "duration_s": 25.0, "findings": [], "proves": None, "code": CODE,
        "evidence_path": "somewhere", "exit_code": 0, **about,
    }  # fmt: skip


def document(*runs: dict[str, Any], **about: Any) -> dict[str, Any]:
    content = {
        "drill": "concurrency", "learner": "Ada", "code": CODE, "mentor": "Grace <b>", "notes": "Read, and run again.",
        "signed_at": "2026-11-29T11:00:00+00:00", "runs": list(runs or (run(),)), **about,
    }  # fmt: skip
    return {"format": "firedrill-sign-off", "version": 1, "digest": drill_map.digest_of(content), "content": content}


def post(client: Client, body: Any) -> Any:
    return client.post(URL, json.dumps(body), content_type="application/json")


def test_a_sign_off_confirms_with_whom_when_and_notes(writer: Client) -> None:
    services.record_score(drill_key="concurrency", value=3, notes="", version=0)
    answer = post(writer, document(run(76), run(77)))
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"scores": 0, "hints": 0, "confirmations": 1, "months": 0, "runs": 2, "names": 0}
    drill = writer.get("/api/drills/concurrency/").json()
    (shown,) = drill["confirmations"]
    assert (shown["mentor"], shown["notes"], shown["seed"]) == ("Grace <b>", "Read, and run again.", 77)
    assert shown["confirmed_at"].startswith("2026-11-29T11:00:00")
    assert not drill["standing"]["self_attested"]
    assert Run.objects.get(seed=77).evidence_path == "", "the folder stayed with the mentor"
    assert set(post(writer, document(run(76), run(77))).json().values()) == {0}, "twice is once"


def test_it_is_carried_in_the_drill_map(writer: Client) -> None:
    post(writer, document())
    exported = writer.get(URL).json()
    Confirmation.objects.all().delete()
    assert post(writer, exported).json()["confirmations"] == 1
    assert Confirmation.objects.get().notes == "Read, and run again."


def bent(body: dict[str, Any]) -> dict[str, Any]:
    body["content"]["mentor"] = "Mallory"
    return body


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (bent(document()), "digest: got one that does not fit"),
        ({**document(), "version": 2}, "version: got 2, expected 1"),
        (document(drill="nope"), "content.drill: got 'nope'"),
        (document(mentor=""), "content: got "),
        (document(notes="x" * 20_000), "content: got "),
        (document(notes="\0"), "got a NUL character"),
        (document(more=1), "content: got "),
        (document(run(code="cd" * 32)), "content.runs[0].code: got a run of other code"),
        (document(run(verdict="splendid")), "content.runs[0].verdict: got "),
        (document(run(verdict="violated")), "got a run that is violated, expected one that held"),
        (document(run(scale=0.5)), "got a run at scale 0.5"),
        (document(run(variant="hardened")), "got a run of hardened"),
    ],
)
def test_what_confirms_nothing_changes_nothing(writer: Client, body: dict[str, Any], problem: str) -> None:
    answer = post(writer, body)
    assert answer.status_code == 400
    assert problem in answer.json()["detail"]
    assert not Confirmation.objects.exists()
    assert not Run.objects.exists()


def test_a_seed_that_the_learner_had_run_confirms_nothing(writer: Client) -> None:
    services.index_run(run_id="earlier", fields={
        "scenario": "concurrency/flash-sale", "title": "", "drill_id": "concurrency", "variant": "attempt", "seed": 77,
        "scale": 1.0, "verdict": "held", "started_at": "2026-11-20T10:00:00Z", "duration_s": 1.0, "findings": [],
        "exit_code": 0, "code": CODE,
    })  # fmt: skip
    answer = post(writer, document())
    assert answer.status_code == 400
    assert "seed 77, which the learner had run before" in answer.json()["detail"]
    assert list(Run.objects.values_list("run_id", flat=True)) == ["earlier"]
