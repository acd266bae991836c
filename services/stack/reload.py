"""Start the shop of a prepared world that was not used yet on the code as it is now: `prepare` without its slow half.

For `firedrill watch`. The world, the empty broker, ledger and mails are those of the last `prepare`; schema and code
checks are left out, so a change of the schema is refused, and an error in the code shows when the shop starts. What is
no Python is refused before anything is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.stack import code, leftovers, lifecycle, postgres, programs, shop
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.handles import changing
from services.stack.locking import foreign_run
from services.stack.prepare import ACCESS_LIFETIME, GRACE_S, Stopwatch, isolation_of, require_unchanged, start_shop
from services.stack.readiness import remove_foreign_proxies


def reload(settings: Settings, *, variant: str, world: Mapping[str, int]) -> dict[str, object]:
    """Restart the shop's programs on the variant's present code.

    Raises:
        StackError: `learner_code` when the code can't start; `not_ready` when another variant was prepared last, or
            its schema is another one by now.
    """
    with changing(settings, "reload") as stack:
        stack.require_running()
        if (runs := shop.current_variant(stack.lab)) != variant:
            raise StackError("not_ready", f"reload: got {variant}, expected {runs}, which was prepared last")
        if (run := foreign_run(stack.lab)) is not None:
            raise StackError("lock", f"{stack.lab.root}: got a lab that is busy with {run}, expected a free one")
        stamp = postgres.stamp_of(stack.lab, stack.ports, shop.database_of(variant))
        if stamp != shop.schema_stamp(settings, variant):
            raise StackError("not_ready", f"reload: got another schema of {variant}, expected the one of its database")
        _require_syntax(settings, variant)
        watch = Stopwatch()
        before = shop.code_identity(settings, variant)
        with watch.part("stop"):
            lifecycle.stop_programs(stack, programs.SHOP, grace_s=GRACE_S)
            ended = [*leftovers.end_strays(stack.supervisor), *remove_foreign_proxies(stack.lab, stack.ports)]
        shop.choose(settings, stack.lab, variant, access_lifetime_s=world.get(ACCESS_LIFETIME))
        with watch.part("start"):
            start_shop(stack, variant)
        identities = lifecycle.identities(stack)
        require_unchanged(variant, before=before, now=identities.get("code"))
        return {
            "variant": variant,
            "timings_s": watch.total(),
            "identities": identities,
            "isolation": isolation_of(stack),
            "ended_leftovers": ended,
        }


def _require_syntax(settings: Settings, variant: str) -> None:
    """Raises: StackError, `learner_code` with file and line."""
    top = shop.folder(settings)
    for path in code.files(top, variant):
        if path.suffix != ".py":
            continue
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            where = shop.relative(settings, str(path))
            line = getattr(error, "lineno", None)
            said = f"{where}:{line}: SyntaxError: {getattr(error, 'msg', error)}"
            raise StackError("learner_code", said, file=where, line=line) from None
