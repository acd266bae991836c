"""Settings of the scorecard: closed by default, and clear about what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.scorecard.config import Config, Postgres, from_environment
from services.settings import ConfigError


def test_without_settings_the_token_is_empty() -> None:
    assert from_environment({}) == Config(
        port=18003, database=Path(".lab/keep/scorecard.sqlite3"), token="", admin_password=""
    )


def test_everything_set(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    (tmp_path / "password").write_text("p\n")
    config = from_environment(
        {
            "SCORECARD_PORT": "19003",
            "SCORECARD_DATABASE_PATH": "/data/scores.sqlite3",
            "SCORECARD_TOKEN_FILE": str(tmp_path / "token"),
            "SCORECARD_ADMIN_PASSWORD_FILE": str(tmp_path / "password"),
        }
    )
    assert config == Config(port=19003, database=Path("/data/scores.sqlite3"), token="t", admin_password="p")


def test_a_shared_database() -> None:
    url = "postgresql://me:p%40ss@db.example:5433/scores"
    assert from_environment({"SCORECARD_DATABASE_URL": url}).database == Postgres(
        host="db.example", port=5433, name="scores", user="me", password="p@ss"
    )


def test_a_shared_database_may_have_to_prove_itself() -> None:
    url = "postgresql://me:pw@db.example/scores?sslmode=verify-full&sslrootcert=%2Fetc%2Fdb.pem"
    database = from_environment({"SCORECARD_DATABASE_URL": url}).database
    assert isinstance(database, Postgres)
    assert database.options == {"sslmode": "verify-full", "sslrootcert": "/etc/db.pem"}
    with pytest.raises(ConfigError, match="got option 'host', expected one of sslmode, sslrootcert"):
        from_environment({"SCORECARD_DATABASE_URL": "postgresql://me:pw@db/scores?host=elsewhere"})


def test_a_shared_database_whose_url_is_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://me:secret@db.example/scores\n")
    named = {"SCORECARD_DATABASE_URL_FILE": str(tmp_path / "url")}
    assert from_environment(named).database == Postgres(
        host="db.example", port=5432, name="scores", user="me", password="secret"
    )
    with pytest.raises(ConfigError, match="expected one of them"):
        from_environment({**named, "SCORECARD_DATABASE_URL": "postgresql://me:secret@db.example/scores"})
    (tmp_path / "url").write_text("mysql://me:secret@db/scores")
    with pytest.raises(ConfigError, match="SCORECARD_DATABASE_URL_FILE: got a mysql URL") as caught:
        from_environment(named)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://me:pw@db/scores", "postgresql://db", "postgresql://db:port/scores", "pw"])
def test_a_bad_database_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError, match=r"SCORECARD_DATABASE_URL: got a .* URL, expected postgresql://") as caught:
        from_environment({"SCORECARD_DATABASE_URL": url})
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "٣"])
def test_a_bad_port(port: str) -> None:
    with pytest.raises(ConfigError, match=r"SCORECARD_PORT: got .*, expected a whole number from 1 to 65535"):
        from_environment({"SCORECARD_PORT": port})


def test_a_secret_that_is_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"SCORECARD_TOKEN_FILE: got .*, expected a readable file"):
        from_environment({"SCORECARD_TOKEN_FILE": str(tmp_path / "token")})
    (tmp_path / "token").write_text(" \n")
    with pytest.raises(ConfigError, match="SCORECARD_TOKEN_FILE: got an empty file"):
        from_environment({"SCORECARD_TOKEN_FILE": str(tmp_path / "token")})
