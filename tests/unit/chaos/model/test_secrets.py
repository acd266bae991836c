import pytest

from chaos.model.secrets import scrubbed

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{{"access": "{JWT}", "refresh": "{JWT}"}}', '{"access": "…", "refresh": "…"}'),
        ('{"username": "u", "password": "a\\"b", "x": 1}', '{"username": "u", "password": "…", "x": 1}'),
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer …"),
        (f"INSERT INTO t (token) VALUES ('{JWT}')", "INSERT INTO t (token) VALUES ('…')"),
        ("SET password = 'pbkdf2_sha256$720000$salt$hash='", "SET password = 'pbkdf2_sha256$…'"),
        ('{"secret": "argon2$argon2id$v=19$m=1$abc"}', '{"secret": "argon2$…"}'),
        ('["pbkdf2_sha256$1$a$b", 3]', '["pbkdf2_sha256$…", 3]'),
        (f'{{"access": "{JWT[:30]}', '{"access": "…'),
        ("{'refresh': 'not.a.jwt'}", "{'refresh': '…'}"),
    ],
)
def test_secrets_are_hidden(text, expected):
    assert scrubbed(text) == expected
    assert scrubbed(expected) == expected


@pytest.mark.parametrize("text", ['{"id": 7, "status": "paid"}', "SELECT access FROM t", "eyJ", ""])
def test_everything_else_stays(text):
    assert scrubbed(text) == text
