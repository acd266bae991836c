"""The history's words for what the lab knows of a token or login when it sends it, and the statuses of refusals."""

from __future__ import annotations

from typing import Final

VALID: Final = "valid"  # must be let in
ENDS_SESSION: Final = "ends_session"  # valid, and its 2xx revokes every token of the session
EXPIRED: Final = "expired"
REVOKED: Final = "revoked"
USED_UP: Final = "used_up"  # a refresh token that was exchanged before; its refusal revokes the session
RACE: Final = "race"  # a refresh token that is exchanged several times at once
FOREIGN: Final = "foreign"  # asks for an object of another customer
UNPRIVILEGED: Final = "unprivileged"  # asks for what only staff may have
GUESS: Final = "guess"  # a wrong password
GUESS_UNKNOWN: Final = "guess_unknown"  # a user name that does not exist
FORGED: Final = "forged_"  # followed by what is wrong with it

UNAUTHENTICATED: Final = 401
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
TOO_MANY: Final = 429
