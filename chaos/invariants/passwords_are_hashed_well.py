"""Passwords are stored as hashes that are costly to guess, each with a salt of its own.

Judged by what the shop's database holds after the run, including the accounts that took a new password during it, so
that the hashing of the running shop is judged too and not only that of its seeder. Violated when a hash is weaker than
the floors below, has no salt or the salt of another account, or when a new password was acknowledged and not stored.
Inconclusive when fewer than two new passwords were acknowledged.

The floors are those of OWASP's Password Storage Cheat Sheet: PBKDF2 with SHA-256 from 600 000 iterations (SHA-1: 1.3
million), scrypt from N = 2¹⁷ (or 2¹⁶, 2¹⁵, 2¹⁴ with p = 2, 3, 5) with r = 8, Argon2id from 19 MiB with t = 2 (or 46,
12, 9, 7 MiB with t = 1, 3, 4, 5); for bcrypt it is cost 12, Django's own.
"""

from __future__ import annotations

import re
from collections import Counter

from chaos.invariants._common import OK, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import ENDS_SESSION
from chaos.model.evidence import StoredPassword
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("passwords_are_hashed_well", "passwords are kept as costly hashes, each with a salt of its own")

LEAST_CHANGED = 2
ITERATIONS = {"pbkdf2_sha256": 600_000, "pbkdf2_sha1": 1_300_000}
BCRYPT_COST = 12
SCRYPT_BLOCK = 8
SCRYPT_LANES = {1 << 17: 1, 1 << 16: 2, 1 << 15: 3, 1 << 14: 5}  # least p by N; for a larger N that of the largest
ARGON2_MIB = {1: 46, 2: 19, 3: 12, 4: 9, 5: 7}  # least memory by t; for a larger t that of the largest
_SCRYPT = re.compile(r"N=(\d+),r=(\d+),p=(\d+)")
_ARGON2ID = re.compile(r"argon2id(?:\$v=\d+)?\$m=(\d+),t=(\d+),p=[1-9]\d*")


def is_costly(kept: StoredPassword) -> bool:
    """Whether the algorithm and settings of a hash reach the floor; an algorithm that is not listed here does not."""
    if kept.algorithm in ITERATIONS:
        return kept.settings.isdecimal() and int(kept.settings) >= ITERATIONS[kept.algorithm]
    if kept.algorithm in {"bcrypt", "bcrypt_sha256"}:
        cost = kept.settings.partition("$")[2]
        return cost.isdecimal() and int(cost) >= BCRYPT_COST
    if kept.algorithm == "scrypt" and (found := _SCRYPT.fullmatch(kept.settings)):
        work, block, lanes = map(int, found.groups())
        least = min((p for n, p in SCRYPT_LANES.items() if n <= work), default=None)
        return least is not None and block >= SCRYPT_BLOCK and lanes >= least
    if kept.algorithm == "argon2" and (found := _ARGON2ID.fullmatch(kept.settings)):
        memory_kib, passes = int(found[1]), int(found[2])
        least_mib = min((mib for t, mib in ARGON2_MIB.items() if t <= passes), default=None)
        return least_mib is not None and memory_kib >= least_mib * 1024
    return False


class _PasswordsAreHashedWell:
    def __init__(self, _: NoParams) -> None:
        self.changed: dict[int, str] = {}

    def feed(self, op: Operation) -> None:
        if op.op == "change_password" and op.state == ENDS_SESSION and op.outcome is OK and op.customer is not None:
            self.changed[op.customer] = op.id

    def finish(self, context: Context) -> Finding:
        kept = {row.customer_id: row for row in context.state.passwords if row.algorithm != "unusable"}
        marks = Counter(row.mark for row in kept.values()).most_common(1)
        seeded = next((mark for mark, times in marks if times > 1), "")
        own = {number: row for number, row in kept.items() if row.mark != seeded}
        salts = Counter(row.salt for row in own.values())
        weak = [number for number, row in kept.items() if not is_costly(row) or not row.salt]
        shared = [number for number, row in own.items() if row.salt and salts[row.salt] > 1]
        lost = [number for number in self.changed if number not in own]
        ways = sorted({f"{row.algorithm} {row.settings}".strip() for row in kept.values()})
        figures = {"kept": len(kept), "changed": len(self.changed)}
        figures |= {"weak": len(weak), "shared_salts": len(shared), "lost": len(lost)}
        measured = f"{len(kept)} kept ({', '.join(ways) or 'none'}), {len(self.changed)} of them new in this run"
        reasons = [f"{len(weak)} are kept in a way that is too cheap to guess, or without a salt"] if weak else []
        reasons += [f"{len(shared)} share their salt with another account"] if shared else []
        reasons += [f"{len(lost)} new passwords were acknowledged and not kept"] if lost else []
        if reasons:
            examples = [self.changed[number] for number in (*lost, *shared, *weak) if number in self.changed]
            return SAY.violated("; ".join(reasons), measured, examples=examples, figures=figures)
        if len(self.changed) < LEAST_CHANGED:
            reason = f"{len(self.changed)} new passwords were acknowledged, expected at least {LEAST_CHANGED}"
            return SAY.inconclusive(reason, measured, figures=figures)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="passwords_are_hashed_well",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=frozenset({"change_password"}),
    requires_ops=frozenset({"change_password"}),
    witnesses=frozenset({"passwords"}),
    reducer=_PasswordsAreHashedWell,
)
