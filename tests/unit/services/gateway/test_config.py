"""Settings of the gateway: what is accepted, and how the rest is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.gateway.config import Config, from_environment
from services.settings import ConfigError


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    token = tmp_path / "token"
    token.write_text("secret\n")
    return {
        "GATEWAY_PORT": "18004",
        "GATEWAY_DATABASE": str(tmp_path / "gateway.sqlite3"),
        "GATEWAY_LAB_TOKEN_FILE": str(token),
    }


def test_defaults(environment: dict[str, str], tmp_path: Path) -> None:
    assert from_environment(environment) == Config(
        port=18004, database=tmp_path / "gateway.sqlite3", lab_token="secret", processing_ms=40.0
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("GATEWAY_PORT", "", "GATEWAY_PORT: got nothing"),
        ("GATEWAY_PORT", "http", "GATEWAY_PORT: got 'http', expected a whole number from 0 to 65535"),
        ("GATEWAY_PORT", "70000", "GATEWAY_PORT: got '70000'"),
        ("GATEWAY_PORT", "80.5", "GATEWAY_PORT: got '80.5', expected a whole number"),
        ("GATEWAY_DATABASE", "", "GATEWAY_DATABASE: got nothing"),
        ("GATEWAY_PROCESSING_MS", "-1", "GATEWAY_PROCESSING_MS: got '-1', expected a number from 0"),
        ("GATEWAY_PROCESSING_MS", "nan", "GATEWAY_PROCESSING_MS: got 'nan'"),
        ("GATEWAY_LAB_TOKEN_FILE", "/nowhere/token", "GATEWAY_LAB_TOKEN_FILE: got /nowhere/token, expected a readable"),
    ],
)
def test_an_unusable_setting_is_named(environment: dict[str, str], name: str, value: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=f"^{sentence}"):
        from_environment(environment | {name: value})


def test_an_empty_token_is_refused(environment: dict[str, str]) -> None:
    Path(environment["GATEWAY_LAB_TOKEN_FILE"]).write_text("\n")
    with pytest.raises(ConfigError, match="GATEWAY_LAB_TOKEN_FILE: got an empty file"):
        from_environment(environment)
