"""The shop's settings from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.shop.core.config import ConfigError, from_environment


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    for name in ("password", "key"):
        (tmp_path / name).write_text(f"{name}-content\n")
    return {
        "FIREDRILL_VARIANT": "naive",
        "SHOP_POSTGRES_PASSWORD_FILE": str(tmp_path / "password"),
        "SHOP_SECRET_KEY_FILE": str(tmp_path / "key"),
    }


def test_defaults_point_at_the_proxies(environment: dict[str, str]) -> None:
    config = from_environment(environment)
    assert config.database_name == "shop_naive"
    assert config.role == "manage"
    assert (config.postgres_host, config.postgres_port) == ("127.0.0.1", 18010)
    assert config.cache_url == "redis://127.0.0.1:18011/0"
    assert config.broker_url == "redis://127.0.0.1:18012/1"
    assert config.gateway_url == "http://127.0.0.1:18013"
    assert (config.api_port, config.worker_metrics_port, config.relay_metrics_port) == (18000, 18014, 18016)
    assert config.postgres_password == "password-content"
    assert config.secret_key == "key-content"


def test_variant_file_is_read_when_no_variant_is_set(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "variant").write_text("attempt\n")
    del environment["FIREDRILL_VARIANT"]
    config = from_environment({**environment, "FIREDRILL_VARIANT_FILE": str(tmp_path / "variant")})
    assert config.variant == "attempt"
    assert config.run_dir == tmp_path / "run"


def test_a_set_variant_wins_over_the_file(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "variant").write_text("attempt\n")
    config = from_environment({**environment, "FIREDRILL_VARIANT_FILE": str(tmp_path / "variant")})
    assert config.variant == "naive"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FIREDRILL_VARIANT": ""}, "FIREDRILL_VARIANT: got nothing, expected a variant"),
        ({"FIREDRILL_VARIANT": "core"}, "got 'core', expected the name of a package beside core"),
        ({"FIREDRILL_VARIANT": "../etc"}, "got '../etc', expected the name of a package"),
        ({"FIREDRILL_VARIANT": "", "FIREDRILL_VARIANT_FILE": "/no/such"}, "got /no/such, expected a readable file"),
        ({"SHOP_API_PORT": "http"}, "SHOP_API_PORT: got 'http', expected a port from 1 to 65535"),
        ({"SHOP_POSTGRES_PORT": "70000"}, "SHOP_POSTGRES_PORT: got '70000'"),
        ({"SHOP_ROLE": "cook"}, "SHOP_ROLE: got 'cook', expected one of api, worker, relay, manage"),
        ({"SHOP_SECRET_KEY_FILE": ""}, "SHOP_SECRET_KEY_FILE: got nothing, expected the path of a file"),
        ({"SHOP_SECRET_KEY_FILE": "/dev/null"}, "SHOP_SECRET_KEY_FILE: got an empty file"),
    ],
)
def test_what_is_wrong_is_said(environment: dict[str, str], changes: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_environment({**environment, **changes})
    assert message in str(caught.value)


def test_only_config_reads_the_environment() -> None:
    shop = Path(__file__).parents[4] / "services/shop"
    readers = {
        path.relative_to(shop).as_posix()
        for path in shop.rglob("*.py")
        if "attempt" not in path.parts and any(word in path.read_text() for word in ("os.environ", "getenv"))
    }
    # The package itself has to know where its code is before there is anything to import from there, and what serves
    # for development has to know whether it is the child of Django's reloader.
    assert readers == {"core/config.py", "__init__.py", "core/development/serve.py"}


def test_redis_password_comes_from_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    secret = tmp_path / "redis"
    secret.write_text("word\n")
    more = {"SHOP_CACHE_URL": "redis://shop@127.0.0.1:6/0", "SHOP_REDIS_PASSWORD_FILE": str(secret)}
    config = from_environment({**environment, **more})
    assert config.cache_url == "redis://shop:word@127.0.0.1:6/0"
