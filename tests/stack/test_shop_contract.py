"""What the lab relies on, of every variant: addresses, views, commands, metrics."""

from __future__ import annotations

import json
import stat
import uuid
from pathlib import Path

import pytest

from tests.stack.shop_fixtures import ROOT, WORLD, ShopServices, call, copy_of, eventually, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

VARIANTS = ["naive", "hardened"]
VIEWS = {
    "lab_tiers": [
        ("tier_id", "bigint"),
        ("event_slug", "text"),
        ("capacity", "integer"),
        ("sold", "integer"),
        ("price_cents", "integer"),
    ],
    "lab_orders": [
        ("order_id", "text"),
        ("customer_id", "bigint"),
        ("client_key", "text"),
        ("tier_id", "bigint"),
        ("quantity", "integer"),
        ("status", "text"),
        ("amount_cents", "integer"),
        ("created_at", "timestamp with time zone"),
        ("updated_at", "timestamp with time zone"),
    ],
    "lab_tickets": [
        ("ticket_id", "text"),
        ("order_id", "text"),
        ("tier_id", "bigint"),
        ("created_at", "timestamp with time zone"),
    ],
    "lab_side_effects": [("kind", "text"), ("order_id", "text"), ("times", "bigint")],
    "lab_pending": [("pending_orders", "bigint"), ("unsent_outbox", "bigint")],
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_views_are_exactly_the_contract(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    query = (
        "SELECT column_name::text, data_type::text FROM information_schema.columns"
        " WHERE table_name = %s ORDER BY ordinal_position"
    )
    found = {view: shop.rows(query, view) for view in VIEWS}
    assert found == VIEWS


@pytest.mark.parametrize("variant", VARIANTS)
def test_health_metrics_and_schema(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    assert shop.get("/live").body == {"status": "live"}
    ready = shop.get("/ready").body
    assert ready == {
        "status": "ready",
        "variant": variant,
        "process": ready["process"],
        "processes": 2,
        "checks": {"postgres": "ok", "cache": "ok", "broker": "ok"},
    }
    assert shop.get("/api/events/").status == 200
    metrics = shop.get("/metrics").body
    for start in (
        f'shop_requests_total{{method="GET",route="/api/events/",status="200",variant="{variant}"}}',
        f'shop_request_seconds_bucket{{le="0.005",method="GET",route="/api/events/",variant="{variant}"}}',
        f'shop_request_queries_bucket{{le="0.0",route="/api/events/",variant="{variant}"}}',
        f'shop_dependency_calls_total{{dependency="postgres",outcome="ok",variant="{variant}"}}',
    ):
        assert start in metrics
    schema = shop.get("/api/schema/?format=json").body
    assert set(schema["paths"]) >= {"/api/events/", "/api/events/{slug}/", "/api/orders/", "/api/orders/{id}/"}
    assert "202" in schema["paths"]["/api/orders/"]["post"]["responses"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_worker_counts_its_tasks_over_all_children(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    placed = shop.order(tier=shop.large_tier(), key=uuid.uuid4().hex)
    eventually(lambda: shop.status(placed.body["id"]) == "paid", what="order paid")
    port = int(shop.environment["SHOP_WORKER_METRICS_PORT"])

    def succeeded() -> float:
        lines = str(call(port, "GET", "/metrics").body).splitlines()
        found = [line for line in lines if line.startswith("shop_tasks_total{") and 'state="succeeded"' in line]
        assert all(f'variant="{variant}"' in line for line in found)
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)  # one line a task

    assert eventually(lambda: succeeded() >= 1, what="a task that succeeded")


def test_relay_metrics(shop_services: ShopServices) -> None:
    shop = shop_services.shop("hardened")
    port = int(shop.environment["SHOP_RELAY_METRICS_PORT"])
    assert 'shop_outbox_pending{variant="hardened"}' in call(port, "GET", "/metrics").body


def test_a_variant_without_a_relay_says_so(shop_services: ShopServices) -> None:
    shop = shop_services.shop("naive")
    assert shop.processes["relay"].wait(30) == 0
    assert "has no relay" in (shop.folder / "relay.log").read_text()


@pytest.mark.parametrize("variant", VARIANTS)
def test_events_list_and_detail(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    listed = shop.get("/api/events/").body
    assert listed["count"] == WORLD["events"]
    event = listed["results"][0]
    assert event["venue"]["name"]
    assert len(event["performers"]) == 2
    assert len(event["tiers"]) == 3
    assert all(0 <= tier["remaining"] <= tier["capacity"] for tier in event["tiers"])
    detail = shop.get(f"/api/events/{event['slug']}/").body
    assert detail["id"] == event["id"]
    assert shop.get("/api/events/no-such-event/").status == 404


@pytest.mark.parametrize("variant", VARIANTS)
def test_login_and_refresh(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    username = shop.world["customers"][2]["username"]
    credentials = {"username": username, "password": shop.world["password"]}
    pair = call(shop.port, "POST", "/api/auth/token/", body=credentials)
    assert pair.status == 200
    fresh = call(shop.port, "POST", "/api/auth/refresh/", body={"refresh": pair.body["refresh"]})
    assert fresh.status == 200
    own = shop.get("/api/orders/", headers={"Authorization": f"Bearer {fresh.body['access']}"})
    assert own.status == 200
    wrong = call(shop.port, "POST", "/api/auth/token/", body={**credentials, "password": "wrong"})
    assert wrong.status == 401
    assert shop.get("/api/orders/").status == 401


def test_every_error_of_hardened_is_a_problem(shop_services: ShopServices) -> None:
    shop = shop_services.shop("hardened")
    bearer = shop.bearer()
    keyed = {**bearer, "Idempotency-Key": "k"}
    answers = [
        shop.get("/nowhere"),
        shop.get("/api/events/nope/"),
        shop.get("/api/orders/"),
        shop.get("/api/orders/", headers={"Authorization": "Bearer rubbish"}),
        shop.get(f"/api/orders/{uuid.uuid4()}/", headers=bearer),
        shop.get("/api/events/?page=99"),
        call(shop.port, "DELETE", "/api/orders/", headers=bearer),
        call(shop.port, "POST", "/api/orders/", headers=bearer, body={"tier": shop.large_tier(), "quantity": 1}),
        call(shop.port, "POST", "/api/orders/", headers=keyed, body={"tier": shop.large_tier(), "quantity": 5}),
        call(shop.port, "POST", "/api/orders/", headers=keyed, body=["not", "an", "object"]),
        call(shop.port, "POST", "/api/orders/", headers={**keyed, "Content-Type": "text/csv"}, body="x"),
        call(shop.port, "POST", "/api/auth/token/", body={"username": "nobody", "password": "wrong"}),
        shop.get("/api/events/", headers={"Host": "elsewhere.example"}),
    ]
    assert [answer.status for answer in answers[:12]] == [404, 404, 401, 401, 404, 404, 405, 400, 400, 400, 415, 401]
    for answer in answers:
        if answer.status < 400:
            continue
        assert answer.headers["content-type"] == "application/problem+json", answer
        assert answer.body["status"] == answer.status
        assert answer.body["title"]
        assert isinstance(answer.body["detail"], str)
        assert isinstance(answer.body["code"], str)


def test_seeding_again_empties_and_repeats(shop_services: ShopServices, tmp_path: Path) -> None:
    shop = shop_services.make("again", root=copy_of("naive", "again", tmp_path))
    shop.prepare()
    first = shop.world
    shop.prepare()
    assert [tier["price_cents"] for tier in shop.world["tiers"]] == [tier["price_cents"] for tier in first["tiers"]]
    assert [tier["id"] for tier in shop.world["tiers"]] == [tier["id"] for tier in first["tiers"]]
    assert shop.rows("SELECT count(*) FROM lab_tiers") == [(3 * WORLD["events"],)]
    assert len(shop.world["customers"]) == WORLD["customers"]
    assert sum(tier["hot"] for tier in shop.world["tiers"]) == WORLD["hot_tiers"]
    assert stat.S_IMODE((shop.folder / "world.json").stat().st_mode) == 0o600
    unknown = shop.manage("lab_seed", "--seed", "1", "--world", '{"planets": 3}', "--out", str(tmp_path / "w.json"))
    assert unknown.returncode == 2
    assert "world.planets: got an unknown key, expected one of" in unknown.stderr


def test_a_copy_of_a_variant_under_another_name_runs(shop_services: ShopServices, tmp_path: Path) -> None:
    shop = shop_services.make("copied", root=copy_of("naive", "copied", tmp_path))
    with shop_services.running(shop):
        assert shop.get("/ready").body["variant"] == "copied"
        placed = shop.order(tier=shop.large_tier(), key="copied")
        eventually(lambda: shop.status(placed.body["id"]) == "paid", what="order paid")


@pytest.mark.parametrize("variant", VARIANTS)
def test_lab_check_accepts_what_ships(shop_services: ShopServices, variant: str) -> None:
    done = shop_services.shop(variant).manage("lab_check")
    assert (done.returncode, done.stdout.strip()) == (0, "ok")
    unchanged = shop_services.shop(variant).manage("makemigrations", "--check", "--dry-run")
    assert unchanged.returncode == 0, unchanged.stdout


@pytest.mark.parametrize(
    ("file", "added", "line_from_end"),
    [
        ("services.py", "def broken(:\n", 0),
        ("settings.py", "x = 1 / 0\n", 0),
        ("views.py", "import no_such_module\n", 0),
        ("tasks.py", "undefined_name\n", 0),
        ("models.py", "class Broken(models.Model):\n    other = models.ForeignKey()\n", 0),
    ],
)
def test_a_learners_error_is_told_with_file_and_line(
    shop_services: ShopServices, tmp_path: Path, file: str, added: str, line_from_end: int
) -> None:
    root = copy_of("naive", "broken", tmp_path)
    path = root / "services/shop/broken" / file
    path.write_text(path.read_text() + added)
    done = shop_services.make("broken", root=root).manage("lab_check")
    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert error["kind"] == "learner_code"
    assert error["file"] == str(path)
    assert error["line"] == len(path.read_text().splitlines()) - line_from_end


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    sold = models", "    version = models.PositiveIntegerField()\n    sold = models", "Add field version to"),
        ("sold = models.PositiveIntegerField", "sold = models.BigIntegerField", "Alter field sold on"),
    ],
)  # fmt: skip
def test_a_missing_migration_is_told_with_the_model_and_the_command(
    shop_services: ShopServices, tmp_path: Path, old: str, new: str, said: str
) -> None:
    root = copy_of("naive", "attempt", tmp_path)
    path = root / "services/shop/attempt/models.py"
    path.write_text(path.read_text().replace(old, new, 1))
    shop = shop_services.make("attempt", root=root)
    done = shop.manage("lab_check")
    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    line = 1 + path.read_text().splitlines().index("class TicketTier(models.Model):")
    assert (error["kind"], error["file"], error["line"]) == ("command", str(path), line)
    assert error["message"].startswith(
        f"services/shop/attempt/models.py:{line}: got models that no migration has ({said}"
    )
    assert error["message"].endswith("expected a migration: firedrill attempt manage makemigrations")


def test_a_learners_failing_migration_is_told_with_its_file(shop_services: ShopServices, tmp_path: Path) -> None:
    root = copy_of("naive", "badmigration", tmp_path)
    path = root / "services/shop/badmigration/migrations/0003_wrong.py"
    path.write_text(
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        '    dependencies = [("shop", "0002_lab_views")]\n    operations = [migrations.RunSQL("SELECT nonsense")]\n'
    )
    done = shop_services.make("badmigration", root=root).manage("migrate", "--verbosity", "0")
    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert (error["kind"], error["file"], error["line"]) == ("learner_code", str(path), 4)
    assert "nonsense" in error["message"]


def test_an_unknown_variant_is_refused(shop_services: ShopServices) -> None:
    done = shop_services.make("nosuch").manage("lab_check")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["kind"] == "unknown_variant"


def test_nothing_in_a_variant_names_a_variant() -> None:
    for variant in VARIANTS:
        for path in sorted((ROOT / "services/shop" / variant).rglob("*.py")):
            text = path.read_text()
            assert not any(name in text for name in VARIANTS), path
            assert "from services." not in text, path
