"""What holds on every page: errors, metrics, the schema, the admin."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DataError, OperationalError
from django.test import Client, RequestFactory
from prometheus_client import REGISTRY

from services.scorecard import services
from services.scorecard.models import Drill, Score, ScoreChange
from services.scorecard.problems import exception_handler


@pytest.fixture
def admin(drills: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    return client


def test_health_says_whether_the_drills_are_there(reader: Client) -> None:
    assert reader.get("/health").json() == {"status": "ok", "drills": 6}
    Score.objects.all().delete()
    Drill.objects.all().delete()
    answer = reader.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "no drills")


@pytest.mark.parametrize("url", ["/nowhere", "/api/", "/api/drills", "/api/drills/a b/", "/static/nothing.css"])
def test_unknown_pages(reader: Client, url: str) -> None:
    answer = reader.get(url)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_put_without_its_slash_is_not_redirected_into_a_get(writer: Client) -> None:
    assert writer.put("/api/drills/auth/score", {}, content_type="application/json").status_code == 404


def test_a_foreign_host_is_refused(reader: Client) -> None:
    answer = reader.get("/api/drills/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_an_unexpected_error_is_a_problem_too(drills: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(services, "index_run", broken)
    monkeypatch.setattr("services.scorecard.views.RunSerializer.is_valid", broken)
    client = Client(raise_request_exception=False, headers={"Authorization": "Token t"})
    monkeypatch.setattr("django.conf.settings.SCORECARD_TOKEN", "t")
    answer = client.put("/api/runs/r1/", {}, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "a bug" not in answer.content.decode()


def test_a_database_that_is_away_is_503() -> None:
    answer = exception_handler(OperationalError("database is locked"), {"request": RequestFactory().get("/")})
    assert answer is not None
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer.data["code"] == "database_away"


def test_text_that_the_database_can_not_hold_is_the_callers_error() -> None:
    error = DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    answer = exception_handler(error, {"request": RequestFactory().get("/")})
    assert answer is not None
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def test_requests_are_counted_by_route(reader: Client) -> None:
    def counted(route: str, status: str) -> float:
        labels = {"route": route, "method": "GET", "status": status}
        return REGISTRY.get_sample_value("scorecard_requests_total", labels) or 0.0

    before = counted("/api/drills/<slug:key>/", "200"), counted("unmatched", "404")
    reader.get("/api/drills/auth/")
    reader.get("/api/drills/concurrency/")
    reader.get("/wp-login.php")
    after = counted("/api/drills/<slug:key>/", "200"), counted("unmatched", "404")
    assert after == (before[0] + 2, before[1] + 1)
    exposition = reader.get("/metrics").content.decode()
    assert 'scorecard_requests_total{method="GET",route="/api/drills/<slug:key>/",status="200"}' in exposition


def test_the_schema_is_complete(reader: Client, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn")
    schema = yaml.safe_load(capsys.readouterr().out)
    assert set(schema["paths"]) == {
        "/api/schema/",
        "/api/dimensions/",
        "/api/drills/",
        "/api/drills/{key}/",
        "/api/drills/{key}/score/",
        "/api/drills/{key}/scores/",
        "/api/drills/{key}/brief/",
        "/api/drills/{key}/hints/{hint}/",
        "/api/drills/{key}/confirmations/",
        "/api/progress/",
        "/api/months/{month}/",
        "/api/learner/",
        "/api/drill-map/",
        "/api/drill-map.md",
        "/api/runs/",
        "/api/runs/{run_id}/",
    } - {"/api/schema/"}
    put = schema["paths"]["/api/drills/{key}/score/"]["put"]
    assert set(put["responses"]) == {"200", "400", "401", "404", "409"}
    assert list(put["responses"]["409"]["content"]) == ["application/problem+json"]
    assert reader.get("/api/schema/").status_code == 200


@pytest.mark.parametrize(
    "page",
    ["", "score/", "scorechange/", "run/", "drill/", "dimension/", "month/", "learner/", "hintuse/", "confirmation/"],
)
def test_pages_of_the_admin(admin: Client, page: str) -> None:
    services.record_score(drill_key="auth", value=2, notes="<b>", version=0)
    answer = admin.get(f"/admin/scorecard/{page}")
    assert answer.status_code == 200
    assert b"<b>" not in answer.content


def score_form(client: Client, **fields: Any) -> Any:
    return client.post("/admin/scorecard/score/auth/change/", fields)


def test_the_admin_saves_with_history(admin: Client) -> None:
    page = admin.get("/admin/scorecard/score/auth/change/")
    assert b'name="seen_version" value="0"' in page.content
    assert score_form(admin, value="2", notes="by hand", seen_version="0").status_code == 302
    (change,) = ScoreChange.objects.all()
    assert (change.drill_id, change.version, change.value, change.notes) == ("auth", 1, 2, "by hand")
    score = Score.objects.get(drill_id="auth")
    assert (score.value, score.notes, score.version) == (2, "by hand", 1)


def test_the_admin_refuses_a_stale_page(admin: Client) -> None:
    services.record_score(drill_key="auth", value=3, notes="meanwhile", version=0)
    answer = score_form(admin, value="0", notes="older page", seen_version="0")
    assert answer.status_code == 200
    assert "the score was changed meanwhile" in answer.content.decode()
    assert Score.objects.get(drill_id="auth").notes == "meanwhile"
    assert ScoreChange.objects.count() == 1


def test_the_admin_takes_a_score_back(admin: Client) -> None:
    services.record_score(drill_key="auth", value=3, notes="", version=0)
    assert score_form(admin, value="", notes="", seen_version="1").status_code == 302
    assert Score.objects.get(drill_id="auth").value is None


@pytest.mark.parametrize("value", ["4", "-1", "x"])
def test_the_admin_knows_four_scores(admin: Client, value: str) -> None:
    assert score_form(admin, value=value, notes="", seen_version="0").status_code == 200
    assert ScoreChange.objects.count() == 0


@pytest.mark.parametrize(
    "url",
    [
        "score/add/",
        "score/auth/delete/",
        "drill/add/",
        "drill/auth/delete/",
        "dimension/add/",
        "scorechange/add/",
        "run/add/",
    ],
)
def test_the_admin_makes_and_deletes_nothing_that_is_not_its_own(admin: Client, url: str) -> None:
    assert admin.get(f"/admin/scorecard/{url}").status_code == 403
    assert admin.get("/admin/scorecard/score/nope/change/").status_code == 302


def test_the_admin_asks_who_you_are(reader: Client) -> None:
    answer = reader.get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/admin/")
