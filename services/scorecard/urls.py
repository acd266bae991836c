"""The addresses of admin and API."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from services.scorecard import metrics, views

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("health", views.health),
    path("metrics", metrics.metrics),
    path("api/schema/", SpectacularAPIView.as_view()),
    path("api/dimensions/", views.DimensionList.as_view()),
    path("api/drills/", views.DrillList.as_view()),
    path("api/drills/<slug:key>/", views.DrillDetail.as_view()),
    path("api/drills/<slug:key>/score/", views.ScoreDetail.as_view()),
    path("api/drills/<slug:key>/scores/", views.ScoreHistory.as_view()),
    path("api/drills/<slug:key>/brief/", views.BriefDetail.as_view()),
    path("api/drills/<slug:key>/hints/<slug:hint>/", views.HintDetail.as_view()),
    path("api/drills/<slug:key>/confirmations/", views.ConfirmationList.as_view()),
    path("api/progress/", views.ProgressDetail.as_view()),
    path("api/months/<str:month>/", views.MonthDetail.as_view()),
    path("api/learner/", views.LearnerDetail.as_view()),
    path("api/drill-map/", views.DrillMapJson.as_view()),
    path("api/drill-map.md", views.DrillMapMarkdown.as_view()),
    path("api/runs/", views.RunList.as_view()),
    path("api/runs/<str:run_id>/", views.RunDetail.as_view()),
]

handler400 = "services.scorecard.problems.bad_request"
handler403 = "services.scorecard.problems.permission_denied"
handler404 = "services.scorecard.problems.not_found"
handler500 = "services.scorecard.problems.server_error"
