"""The API. A view reads the request, calls one function and renders what it returns."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from services.scorecard import drill_map, markdown, services, sign_off
from services.scorecard.briefs import brief_of
from services.scorecard.models import MONTH_PATTERN, Dimension, Drill, Month, Run, RunQuerySet, Score, ScoreChange
from services.scorecard.problems import Conflict, Refused
from services.scorecard.progress import progress
from services.scorecard.serializers import (
    BriefSerializer,
    ConfirmationInputSerializer,
    ConfirmationSerializer,
    DimensionSerializer,
    DrillSerializer,
    HintSerializer,
    ImportedSerializer,
    LearnerInputSerializer,
    LearnerSerializer,
    MonthInputSerializer,
    MonthSerializer,
    ProblemSerializer,
    ProgressSerializer,
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
    return Drill.objects.select_related("score").prefetch_related("dimensions", "confirmations")


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
        return Response(DrillSerializer(services.with_evidence(_drills()), many=True).data)


class DrillDetail(APIView):
    """One drill."""

    @extend_schema(operation_id="drills_retrieve", responses={200: DrillSerializer} | _problems(404))
    def get(self, request: Request, key: str) -> Response:
        """The drill with its score and the newest run of each variant."""
        (drill,) = services.with_evidence([get_object_or_404(_drills(), key=key)])
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

    def get_queryset(self) -> QuerySet[ScoreChange]:
        drill = get_object_or_404(Drill, key=self.kwargs["key"])
        return drill.score_changes.order_by("-version")


class BriefDetail(APIView):
    """The text of a drill."""

    @extend_schema(operation_id="drill_brief_retrieve", responses={200: BriefSerializer} | _problems(404))
    def get(self, request: Request, key: str) -> Response:
        """Brief, steps, deliverable, how it is checked, and the hints; an unopened hint has no text."""
        drill = get_object_or_404(Drill, key=key)
        brief = brief_of(key)
        if brief is None:
            raise NotFound(f"brief: got drill {key!r}, expected one with a brief")
        used = dict(drill.hint_uses.values_list("hint", "used_at"))
        hints = [_hint(hint, used.get(hint.key)) for hint in brief.hints]
        shown = {name: getattr(brief, name) for name in ("brief", "steps", "deliverable", "checked", "files")}
        return Response(BriefSerializer({**shown, "hints": hints}).data)


class HintDetail(APIView):
    """One hint."""

    @extend_schema(
        operation_id="drill_hint_open",
        request=None,
        responses={200: HintSerializer, 201: HintSerializer} | _problems(401, 404),
    )
    def put(self, request: Request, key: str, hint: str) -> Response:
        """Open a hint: logged as used, once. 201 the first time."""
        try:
            found, use, created = services.open_hint(drill_key=key, hint_key=hint)
        except Drill.DoesNotExist as error:
            raise NotFound(f"drill: got {key!r}, expected the key of a drill") from error
        except LookupError as error:
            raise NotFound(str(error.args[0])) from error
        body = HintSerializer(_hint(found, use.used_at)).data
        return Response(body, status.HTTP_201_CREATED if created else status.HTTP_200_OK)


def _hint(hint: Any, used_at: Any) -> dict[str, Any]:
    return {
        "key": hint.key,
        "level": hint.level,
        "title": hint.title,
        "checks": hint.checks,
        "used_at": used_at,
        "text": hint.text if used_at else None,
    }


class ConfirmationList(APIView):
    """Re-runs of the learner's code by a mentor."""

    @extend_schema(
        operation_id="drill_confirmations_list", responses={200: ConfirmationSerializer(many=True)} | _problems(404)
    )
    def get(self, request: Request, key: str) -> Response:
        """All of a drill, oldest first."""
        drill = get_object_or_404(Drill, key=key)
        return Response(ConfirmationSerializer(drill.confirmations.all(), many=True).data)

    @extend_schema(
        operation_id="drill_confirm",
        request=ConfirmationInputSerializer,
        responses={200: ConfirmationSerializer, 201: ConfirmationSerializer} | _problems(400, 401, 404, 409),
    )
    def post(self, request: Request, key: str) -> Response:
        """Record one; 409 when the run can't confirm anything. 201 when it is new."""
        given = ConfirmationInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            found, created = services.confirm(drill_key=key, **given.validated_data)
        except Drill.DoesNotExist as error:
            raise NotFound(f"drill: got {key!r}, expected the key of a drill") from error
        except services.NotConfirmed as error:
            raise Refused(str(error), code="not_confirmed") from error
        body = ConfirmationSerializer(found).data
        return Response(body, status.HTTP_201_CREATED if created else status.HTTP_200_OK)


class ProgressDetail(APIView):
    """How far the learner is."""

    @extend_schema(operation_id="progress_retrieve", responses=ProgressSerializer)
    def get(self, request: Request) -> Response:
        """Radar, weakest dimensions, levels, red flags and months."""
        return Response(ProgressSerializer(progress()).data)


class MonthDetail(APIView):
    """Notes on a month."""

    @extend_schema(operation_id="month_retrieve", responses={200: MonthSerializer} | _problems(404))
    def get(self, request: Request, month: str) -> Response:
        """The notes as they are now; empty, with version 0, before the first are saved."""
        _check_month(month)
        return Response(MonthSerializer(Month.objects.filter(month=month).first() or Month(month=month)).data)

    @extend_schema(
        operation_id="month_update",
        request=MonthInputSerializer,
        responses={200: MonthSerializer} | _problems(400, 401, 404, 409),
    )
    def put(self, request: Request, month: str) -> Response:
        """Save notes; 409 when they have changed since `version`."""
        _check_month(month)
        given = MonthInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            found = services.record_month(month=month, **given.validated_data)
        except services.StaleVersion as stale:
            raise Conflict(str(stale), code="stale_version", current=MonthSerializer(stale.current).data) from stale
        return Response(MonthSerializer(found).data)


def _check_month(month: str) -> None:
    if not re.match(MONTH_PATTERN, month):
        raise Http404(f"month: got {month!r}, expected YYYY-MM")


class LearnerDetail(APIView):
    """Whose scorecard this is."""

    @extend_schema(operation_id="learner_retrieve", responses=LearnerSerializer)
    def get(self, request: Request) -> Response:
        """The name; empty until one is given."""
        return Response(LearnerSerializer(services.learner()).data)

    @extend_schema(
        operation_id="learner_update",
        request=LearnerInputSerializer,
        responses={200: LearnerSerializer} | _problems(400, 401, 409),
    )
    def put(self, request: Request) -> Response:
        """Change it; 409 when it has changed since `version`."""
        given = LearnerInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            found = services.name_learner(**given.validated_data)
        except services.StaleVersion as stale:
            raise Conflict(str(stale), code="stale_version", current=LearnerSerializer(stale.current).data) from stale
        return Response(LearnerSerializer(found).data)


class DrillMapJson(APIView):
    """The whole drill map as one document."""

    @extend_schema(operation_id="drill_map_export", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """The document that an import takes."""
        return Response(drill_map.export_document())

    @extend_schema(
        operation_id="drill_map_import",
        request=OpenApiTypes.OBJECT,
        responses={200: ImportedSerializer} | _problems(400, 401),
    )
    def post(self, request: Request) -> Response:
        """Add what the document has and this lab has not; a damaged one is refused as a whole.

        A mentor's sign-off is taken as well, see `sign_off`.
        """
        try:
            if sign_off.is_sign_off(request.data):
                return Response(ImportedSerializer(sign_off.import_sign_off(request.data)).data)
            return Response(ImportedSerializer(drill_map.import_document(request.data)).data)
        except drill_map.Damaged as error:
            raise ValidationError({"document": [str(error)]}) from error


class DrillMapMarkdown(APIView):
    """The whole drill map for people."""

    @extend_schema(operation_id="drill_map_markdown", responses={(200, "text/markdown"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        """Markdown with tables and a Mermaid radar."""
        return HttpResponse(markdown.drill_map(now=timezone.now()), content_type="text/markdown; charset=utf-8")


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
            OpenApiParameter("q", OpenApiTypes.STR, description="Part of a title, a scenario or a run id."),
            OpenApiParameter(
                "newest", OpenApiTypes.BOOL, description="Of each scenario and variant the newest run only."
            ),
        ],
        responses={200: RunSerializer(many=True)} | _problems(400, 404),
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of runs; filters are exact, but for `q`."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> RunQuerySet:
        queryset = Run.objects.all()
        for name in ("scenario", "variant", "verdict"):
            if wanted := self.request.query_params.get(name):
                queryset = queryset.filter(**{name: _text(name, wanted)})
        if drill := self.request.query_params.get("drill"):
            queryset = queryset.filter(**_drill_filter(_text("drill", drill)))
        if text := self.request.query_params.get("q"):
            queryset = queryset.containing(_text("q", text))
        if newest := self.request.query_params.get("newest"):
            if newest not in ("true", "false"):
                raise ValidationError({"newest": [f"got {newest[:60]!r}, expected true or false"]})
            if newest == "true":
                queryset = queryset.newest_of_each("scenario", "variant")
        return queryset.select_related("drill")


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
