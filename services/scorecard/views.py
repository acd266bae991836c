"""The API. A view reads the request, calls one function and renders what it returns."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from services.scorecard import services
from services.scorecard.models import Dimension, Drill, Run, Score, ScoreChange
from services.scorecard.problems import Conflict
from services.scorecard.serializers import (
    DimensionSerializer,
    DrillSerializer,
    ProblemSerializer,
    RunSerializer,
    ScoreChangeSerializer,
    ScoreInputSerializer,
    ScoreSerializer,
)

_PROBLEM = "application/problem+json"
_MAX_NUMBER_DIGITS = 4


def health(_: HttpRequest) -> JsonResponse:
    """Ready when the database answers and the drills are in it."""
    drills = Drill.objects.count()
    ready = drills > 0
    return JsonResponse({"status": "ok" if ready else "no drills", "drills": drills}, status=200 if ready else 503)


def _problems(*statuses: int) -> dict[Any, Any]:
    return {(code, _PROBLEM): ProblemSerializer for code in statuses}


def _drills() -> QuerySet[Drill]:
    return Drill.objects.select_related("score").prefetch_related("dimensions")


class DimensionList(generics.ListAPIView[Dimension]):
    """The competency dimensions, in the order of the radar's axes."""

    queryset = Dimension.objects.all()
    serializer_class = DimensionSerializer
    pagination_class = None


class DrillList(APIView):
    """The six drills."""

    @extend_schema(operation_id="drills_list", responses=DrillSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The drills with their scores and the newest run of each variant."""
        return Response(DrillSerializer(services.with_latest_runs(_drills()), many=True).data)


class DrillDetail(APIView):
    """One drill."""

    @extend_schema(operation_id="drills_retrieve", responses={200: DrillSerializer} | _problems(404))
    def get(self, request: Request, key: str) -> Response:
        """The drill with its score and the newest run of each variant."""
        (drill,) = services.with_latest_runs([get_object_or_404(_drills(), key=key)])
        return Response(DrillSerializer(drill).data)


class ScoreDetail(APIView):
    """The score of a drill."""

    @extend_schema(operation_id="drill_score_retrieve", responses={200: ScoreSerializer} | _problems(404))
    def get(self, request: Request, key: str) -> Response:
        """The score as it is now."""
        return Response(ScoreSerializer(get_object_or_404(Score, drill_id=key)).data)

    @extend_schema(
        operation_id="drill_score_update",
        request=ScoreInputSerializer,
        responses={200: ScoreSerializer} | _problems(400, 401, 404, 409),
    )
    def put(self, request: Request, key: str) -> Response:
        """Save a score; 409 when it has changed since `version`."""
        given = ScoreInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            score = services.record_score(drill_key=key, **given.validated_data)
        except Score.DoesNotExist as error:
            raise NotFound(f"drill: got {key!r}, expected the key of a drill") from error
        except services.StaleVersion as stale:
            raise Conflict(str(stale), code="stale_version", current=ScoreSerializer(stale.current).data) from stale
        return Response(ScoreSerializer(score).data)


class ScoreHistory(generics.ListAPIView[ScoreChange]):
    """Every change of a drill's score, newest first."""

    serializer_class = ScoreChangeSerializer
    queryset = ScoreChange.objects.all()
    pagination_class = None

    def get_queryset(self) -> QuerySet[ScoreChange]:
        drill = get_object_or_404(Drill, key=self.kwargs["key"])
        return drill.score_changes.order_by("-version")


class RunList(generics.ListAPIView[Run]):
    """Indexed runs, newest first."""

    serializer_class = RunSerializer
    queryset = Run.objects.all()

    @extend_schema(
        parameters=[
            OpenApiParameter("scenario", OpenApiTypes.STR),
            OpenApiParameter("variant", OpenApiTypes.STR),
            OpenApiParameter("verdict", OpenApiTypes.STR, enum=Run.Verdict.values),
            OpenApiParameter("drill", OpenApiTypes.STR, description="Number or key of a drill."),
        ],
        responses={200: RunSerializer(many=True)} | _problems(400, 404),
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of runs; filters are exact."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Run]:
        queryset = Run.objects.select_related("drill")
        for name in ("scenario", "variant", "verdict"):
            if wanted := self.request.query_params.get(name):
                queryset = queryset.filter(**{name: _text(name, wanted)})
        if drill := self.request.query_params.get("drill"):
            queryset = queryset.filter(**_drill_filter(_text("drill", drill)))
        return queryset


class RunDetail(APIView):
    """One indexed run."""

    @extend_schema(operation_id="run_retrieve", responses={200: RunSerializer} | _problems(404))
    def get(self, request: Request, run_id: str) -> Response:
        """The run."""
        return Response(RunSerializer(get_object_or_404(Run.objects.select_related("drill"), run_id=run_id)).data)

    @extend_schema(
        operation_id="run_index",
        request=RunSerializer,
        responses={200: RunSerializer, 201: RunSerializer} | _problems(400, 401),
    )
    def put(self, request: Request, run_id: str) -> Response:
        """Index a run: 201 when it is new, 200 when its entry was replaced. Repeating it changes nothing."""
        given = RunSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        named = fields.pop("run_id")
        if named != run_id:
            raise ValidationError({"run_id": [f"got {named!r}, expected {run_id!r} as in the address"]})
        run, created = services.index_run(run_id=run_id, fields=fields)
        return Response(RunSerializer(run).data, status.HTTP_201_CREATED if created else status.HTTP_200_OK)


def _text(name: str, value: str) -> str:
    if "\0" in value:  # PostgreSQL would refuse it with an error of its own
        raise ValidationError({name: ["got a NUL character, expected text"]})
    return value


def _drill_filter(wanted: str) -> dict[str, Any]:
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= _MAX_NUMBER_DIGITS:
        return {"drill__number": int(wanted)}
    return {"drill_id": wanted}
