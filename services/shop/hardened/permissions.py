"""Who may do what, by the role in the database and never by the token's, which is as old as the login."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .models import Customer

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasRole(BasePermission):
    """Somebody who is logged in and has one of `roles` now."""

    roles: ClassVar[frozenset[str]] = frozenset(Customer.Role.values)

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whoever is asking."""
        return isinstance(request.user, Customer) and request.user.role in self.roles


class IsAnybody(HasRole):
    """Somebody who is logged in."""


class IsCustomer(HasRole):
    """Somebody with a customer's account."""

    roles = frozenset({Customer.Role.CUSTOMER.value})


class IsSupport(HasRole):
    """Somebody who helps customers."""

    roles = frozenset({Customer.Role.SUPPORT.value, Customer.Role.ADMIN.value})


class IsAdmin(HasRole):
    """Somebody who runs the box office."""

    roles = frozenset({Customer.Role.ADMIN.value})
