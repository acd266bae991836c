"""Addresses."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from ..core.urls import urlpatterns as core_urlpatterns
from . import views

urlpatterns = [
    *core_urlpatterns,
    path("api/events/", views.EventList.as_view(), name="event-list"),
    path("api/events/<slug:slug>/", views.EventDetail.as_view(), name="event-detail"),
    path("api/auth/token/", TokenObtainPairView.as_view(), name="token"),
    path("api/auth/refresh/", TokenRefreshView.as_view(), name="token-refresh"),
    path("api/orders/", views.OrderList.as_view(), name="order-list"),
    path("api/orders/<uuid:pk>/", views.OrderDetail.as_view(), name="order-detail"),
    path(
        "api/schema/",
        SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[AllowAny]),
        name="schema",
    ),
]
