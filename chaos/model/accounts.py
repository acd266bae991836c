"""What the lab knows of a token or a login when it sends it, and how a refusal looks: the words of the history."""

from __future__ import annotations

from typing import Final

VALID: Final = "valid"  # must be let in
ENDS_SESSION: Final = "ends_session"  # valid, and its 2xx revokes every token of the session
EXPIRED: Final = "expired"
REVOKED: Final = "revoked"
USED_UP: Final = "used_up"  # a refresh token that was exchanged before; its refusal revokes the session
RACE: Final = "race"  # a refresh token that is exchanged several times at once
FOREIGN: Final = "foreign"  # asks for what belongs to somebody else
UNPRIVILEGED: Final = "unprivileged"  # asks for what is for staff
GUESS: Final = "guess"  # a wrong password
GUESS_UNKNOWN: Final = "guess_unknown"  # a name that nobody has
FORGED: Final = "forged_"  # followed by what is wrong with it

UNAUTHENTICATED: Final = 401
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
TOO_MANY: Final = 429
