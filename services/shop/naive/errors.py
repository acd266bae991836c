"""What the API refuses."""

from __future__ import annotations

from rest_framework import status
from rest_framework.exceptions import APIException


class SoldOut(APIException):
    """Fewer seats are left than were asked for."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self) -> None:
        super().__init__({"code": "sold_out", "detail": "Not enough seats left."})


class NotCancellable(APIException):
    """The order was refused: there is nothing to cancel."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self) -> None:
        super().__init__({"code": "not_cancellable", "detail": "This order can't be cancelled."})
