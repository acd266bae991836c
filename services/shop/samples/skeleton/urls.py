"""Addresses of the back office, below /api/backoffice/."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("orders/", views.order_report, name="backoffice-orders"),
    path("orders.csv", views.order_export, name="backoffice-export"),
    path("orders/<uuid:pk>/receipt/", views.receipt, name="backoffice-receipt"),
    path("orders/<uuid:pk>/claim/", views.claim, name="backoffice-claim"),
    path("orders/<uuid:pk>/surcharge/", views.surcharge, name="backoffice-surcharge"),
    path("claims/<str:code>/", views.claimed, name="backoffice-claimed"),
    path("documents/", views.document, name="backoffice-document"),
    path("customers/", views.customers, name="backoffice-customers"),
    path("bookings/", views.bookings, name="backoffice-bookings"),
    path("posters/", views.poster, name="backoffice-poster"),
    path("tiers/<int:pk>/capacity/", views.capacity, name="backoffice-capacity"),
    path("programme/", views.programme, name="backoffice-programme"),
    path("events/", views.publish, name="backoffice-publish"),
    path("prices/", views.prices, name="backoffice-prices"),
]
