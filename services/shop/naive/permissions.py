"""Who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .models import Customer

if TYPE_CHECKING:
    from rest_framework.views import APIView


class IsCustomer(BasePermission):
    """Somebody who is logged in with a customer's account."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """By the database's role, not the token's."""
        return isinstance(request.user, Customer) and request.user.role == Customer.Role.CUSTOMER
