"""Addresses."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny

from ..core.urls import urlpatterns as core_urlpatterns
from . import errors, views

handler400 = errors.bad_request
handler404 = errors.not_found
handler500 = errors.server_error

urlpatterns = [
    *core_urlpatterns,
    path("api/events/", views.EventList.as_view(), name="event-list"),
    path("api/events/<slug:slug>/", views.EventDetail.as_view(), name="event-detail"),
    path("api/auth/token/", views.Login.as_view(), name="token"),
    path("api/auth/refresh/", views.Refresh.as_view(), name="token-refresh"),
    path("api/auth/logout/", views.Logout.as_view(), name="logout"),
    path("api/me/", views.Me.as_view(), name="me"),
    path("api/orders/", views.OrderList.as_view(), name="order-list"),
    path("api/orders/<uuid:pk>/", views.OrderDetail.as_view(), name="order-detail"),
    path("api/orders/<uuid:pk>/cancel/", views.OrderCancel.as_view(), name="order-cancel"),
    path("api/support/orders/", views.SupportOrderList.as_view(), name="support-order-list"),
    path("api/admin/sales/", views.Sales.as_view(), name="sales"),
    path("api/admin/tiers/<int:pk>/", views.AdminTier.as_view(), name="admin-tier"),
    path(
        "api/schema/",
        SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[AllowAny]),
        name="schema",
    ),
]
