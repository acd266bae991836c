from chaos.adapters.passwords import described
from chaos.model.verdict import Verdict

CHECK = "passwords_are_hashed_well"
GOOD = "pbkdf2_sha256$1000000${salt}$aGFzaA=="


def keep(accounts, *encoded):
    """Customers 1, 2, …; the last two are those who took a new password."""
    accounts.state.passwords = [described(number + 1, text) for number, text in enumerate(encoded)]


def change(accounts, customer, status=200):
    return accounts.ask("ends_session", status, op="change_password", customer=customer)


def both_changed(accounts, *new):
    """Three accounts as they were filled in, all alike, and two that the shop wrote itself."""
    keep(accounts, *[GOOD.format(salt="seeded")] * 3, *new)
    return [change(accounts, 4), change(accounts, 5)]


def good(*salts):
    return [GOOD.format(salt=salt) for salt in salts]


def test_held_with_a_salt_for_each(accounts):
    both_changed(accounts, *good("a", "b"))
    found = accounts.judge(CHECK)
    assert found.verdict is Verdict.HELD
    assert found.measured == "5 kept (pbkdf2_sha256 1000000), 2 of them new in this run"


def kept_as(accounts, text):
    first = text.format(salt="Qy1hc2FsdG9mdHdlbnR5dA"[:22])
    second = text.format(salt="Zz1hc2FsdG9mdHdlbnR5dA"[:22])
    both_changed(accounts, first, second)
    return accounts.judge(CHECK).verdict


COSTLY = (
    "pbkdf2_sha256$600000${salt}$aGFzaA==",
    "pbkdf2_sha1$1300000${salt}$aGFzaA==",
    "argon2$argon2id$v=19$m=102400,t=2,p=8${salt}$aGFzaA",
    "argon2$argon2id$v=19$m=19456,t=2,p=1${salt}$aGFzaA",
    "argon2$argon2id$v=19$m=47104,t=1,p=1${salt}$aGFzaA",
    "argon2$argon2id$v=19$m=7168,t=9,p=1${salt}$aGFzaA",
    "bcrypt_sha256$$2b$12${salt}0123456789012345678901234567890",
    "bcrypt$$2b$14${salt}0123456789012345678901234567890",
    "scrypt$131072${salt}$8$1$aGFzaA==",
    "scrypt$16384${salt}$8$5$aGFzaA==",
    "scrypt$262144${salt}$8$1$aGFzaA==",
)
CHEAP = (
    "md5${salt}$aGFzaA",
    "sha1${salt}$aGFzaA",
    "unsalted_md5$$aGFzaA",
    "pbkdf2_sha256$599999${salt}$aGFzaA==",
    "pbkdf2_sha256$1000000$$aGFzaA==",
    "pbkdf2_sha256${salt}$aGFzaA==",
    "pbkdf2_sha256$１００００００${salt}$aGFzaA==",
    "argon2$argon2i$v=19$m=102400,t=2,p=8${salt}$aGFzaA",
    "argon2$argon2id$v=19$m=19456,t=1,p=1${salt}$aGFzaA",
    "argon2$argon2id$v=19$m=64,t=100,p=1${salt}$aGFzaA",
    "bcrypt$$2b$10${salt}0123456789012345678901234567890",
    "scrypt$16384${salt}$8$1$aGFzaA==",
    "scrypt$131072${salt}$1$1$aGFzaA==",
    "own_invention$1000000${salt}$aGFzaA",
    "hunter2-{salt}",
    "",
)


def test_what_is_costly_and_what_is_not(accounts):
    assert {text: kept_as(accounts, text) for text in COSTLY} == dict.fromkeys(COSTLY, Verdict.HELD)
    assert {text: kept_as(accounts, text) for text in CHEAP} == dict.fromkeys(CHEAP, Verdict.VIOLATED)


def test_violated_by_one_that_was_written_while_it_served(accounts):
    """Whatever the accounts were filled in with."""
    _, weak = both_changed(accounts, GOOD.format(salt="a"), "md5$b$aGFzaA")
    found = accounts.judge(CHECK)
    assert found.verdict is Verdict.VIOLATED
    assert found.reason == "1 are kept in a way that is too cheap to guess, or without a salt"
    assert found.examples == (weak,)


def test_violated_by_a_salt_that_others_have_too(accounts):
    both_changed(accounts, GOOD.format(salt="same"), GOOD.format(salt="same").replace("aGFzaA", "b3RoZXI"))
    found = accounts.judge(CHECK)
    assert found.verdict is Verdict.VIOLATED
    assert found.reason == "2 share their salt with another account"


def test_violated_by_a_new_password_that_was_not_kept(accounts):
    both_changed(accounts, *good("a", "seeded"))
    found = accounts.judge(CHECK)
    assert found.verdict is Verdict.VIOLATED
    assert found.reason == "1 new passwords were acknowledged and not kept"


def test_an_account_without_a_usable_password_is_left_out(accounts):
    both_changed(accounts, *good("a", "b"), "!unusable")
    assert accounts.judge(CHECK).verdict is Verdict.HELD


def test_inconclusive_without_two_new_ones(accounts):
    keep(accounts, *good("seeded", "seeded", "a"))
    change(accounts, 3)
    change(accounts, 2, status=503)
    found = accounts.judge(CHECK)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "1 new passwords were acknowledged, expected at least 2"


def test_what_is_no_hash_is_not_repeated():
    assert "hunter2" not in repr(described(1, "hunter2"))
    assert "hunter2" not in repr(described(1, "plain$hunter2"))
    assert "c2FsdA" not in repr(described(1, "pbkdf2_sha256$1000000$c2FsdA$aGFzaA"))
