"""The shapes of the API."""

from __future__ import annotations

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from services.scorecard.models import RUN_ID_PATTERN, Dimension, Drill, Run, Score, ScoreChange
from services.scorecard.status import HIGHEST_SCORE, LEVELS, level_of, status_of

MAX_FINDINGS = 500


class DimensionSerializer(serializers.ModelSerializer[Dimension]):
    """A competency dimension."""

    class Meta:
        model = Dimension
        fields = ("key", "name")


class StatusSerializer(serializers.Serializer[Any]):
    """Derived from the score: the sign and its word."""

    sign = serializers.ChoiceField(["🟢", "🟡", "🔴"])
    word = serializers.CharField()


class _DerivedFields(serializers.Serializer[Any]):
    """What a score means, beside its number."""

    level = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(LEVELS, allow_null=True))
    def get_level(self, score: Score | ScoreChange) -> str | None:
        return level_of(score.value)

    @extend_schema_field(StatusSerializer(allow_null=True))
    def get_status(self, score: Score | ScoreChange) -> dict[str, str] | None:
        status = status_of(score.value)
        return None if status is None else {"sign": status.sign, "word": status.word}


class ScoreSerializer(_DerivedFields, serializers.ModelSerializer[Score]):
    """The score as it is now. Save with the version you see here."""

    class Meta:
        model = Score
        fields = ("value", "level", "status", "notes", "version", "updated_at")
        read_only_fields = fields


class ScoreChangeSerializer(_DerivedFields, serializers.ModelSerializer[ScoreChange]):
    """A score as it was from a moment on."""

    class Meta:
        model = ScoreChange
        fields = ("version", "value", "level", "status", "notes", "changed_at")
        read_only_fields = fields


class ScoreInputSerializer(serializers.Serializer[Any]):
    """What to save. All of it is required: what is left out must not be wiped by accident."""

    value = serializers.IntegerField(min_value=0, max_value=HIGHEST_SCORE, allow_null=True)
    notes = serializers.CharField(allow_blank=True, max_length=10_000, trim_whitespace=False)
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class FindingSerializer(serializers.Serializer[Any]):
    """One check's result; further keys of the engine are kept as they come."""

    check = serializers.CharField(max_length=300)
    verdict = serializers.ChoiceField(Run.Verdict.choices)

    def to_internal_value(self, data: Any) -> Any:
        known = super().to_internal_value(data)  # first: it refuses what is no object
        return {**data, **known}

    def to_representation(self, instance: Any) -> Any:
        return instance


def _finite(value: float) -> None:
    if not math.isfinite(value):
        raise serializers.ValidationError("Expected a finite number.")


class RunSerializer(serializers.ModelSerializer[Run]):
    """A run as it is indexed. `drill` is the number of the drill, or null."""

    # Declared here, because the model's own field would refuse an id that is in the index already.
    run_id = serializers.RegexField(RUN_ID_PATTERN, max_length=120)
    drill = serializers.SlugRelatedField(slug_field="number", queryset=Drill.objects.all(), allow_null=True)
    duration_s = serializers.FloatField(min_value=0, validators=[_finite])
    findings = FindingSerializer(many=True, max_length=MAX_FINDINGS)  # type: ignore[call-arg]

    class Meta:
        model = Run
        fields = (
            "run_id",
            "scenario",
            "title",
            "drill",
            "variant",
            "seed",
            "verdict",
            "started_at",
            "duration_s",
            "findings",
            "evidence_path",
            "exit_code",
            "indexed_at",
        )
        read_only_fields = ("indexed_at",)


class DrillSerializer(serializers.ModelSerializer[Drill]):
    """A drill with its score and the newest run of each variant."""

    dimensions = DimensionSerializer(many=True)
    score = ScoreSerializer()
    latest_runs = RunSerializer(many=True)

    class Meta:
        model = Drill
        fields = (
            "key",
            "number",
            "title",
            "competency_focus",
            "risk_focus",
            "dimensions",
            "score",
            "latest_runs",
        )
        read_only_fields = fields


class ProblemSerializer(serializers.Serializer[Any]):
    """An error. Source: RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField(), required=False)  # type: ignore[assignment]
