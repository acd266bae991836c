"""The shapes of the API."""

from __future__ import annotations

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from services.scorecard.models import (
    MAX_NOTES,
    RUN_ID_PATTERN,
    Confirmation,
    Dimension,
    Drill,
    Learner,
    Month,
    Run,
    Score,
    ScoreChange,
)
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
    """The score as it is now. Send its version back to save."""

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
    """What to save. Every field is required, so that none is emptied by accident."""

    value = serializers.IntegerField(min_value=0, max_value=HIGHEST_SCORE, allow_null=True)
    notes = serializers.CharField(allow_blank=True, max_length=MAX_NOTES, trim_whitespace=False)
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class FindingSerializer(serializers.Serializer[Any]):
    """One check's result; further keys of the engine are kept as they come."""

    check = serializers.CharField(max_length=300)
    verdict = serializers.ChoiceField(Run.Verdict.choices)

    def to_internal_value(self, data: Any) -> Any:
        known = super().to_internal_value(data)  # first: it refuses data that is no object
        return {**data, **known}

    def to_representation(self, instance: Any) -> Any:
        return instance


def _finite(value: float) -> None:
    if not math.isfinite(value):
        raise serializers.ValidationError("Expected a finite number.")


def _positive(value: float) -> None:
    if value <= 0:
        raise serializers.ValidationError("Expected a number above 0.")


class ProvesSerializer(serializers.Serializer[Any]):
    """What the scenario's self-test expects of naive: ids of checks."""

    must = serializers.ListField(child=serializers.CharField(max_length=300), max_length=MAX_FINDINGS)
    may = serializers.ListField(child=serializers.CharField(max_length=300), max_length=MAX_FINDINGS)


class RunSerializer(serializers.ModelSerializer[Run]):
    """A run as it is indexed. `drill` is the number of the drill, or null."""

    # Declared here, because the model's own field would refuse an id that is in the index already.
    run_id = serializers.RegexField(RUN_ID_PATTERN, max_length=120)
    drill = serializers.SlugRelatedField(slug_field="number", queryset=Drill.objects.all(), allow_null=True)
    scale = serializers.FloatField(required=False, allow_null=True, validators=[_finite, _positive])
    duration_s = serializers.FloatField(min_value=0, validators=[_finite])
    findings = FindingSerializer(many=True, max_length=MAX_FINDINGS)  # type: ignore[call-arg]
    proves = ProvesSerializer(required=False, allow_null=True)

    class Meta:
        model = Run
        fields = (
            "run_id",
            "scenario",
            "title",
            "drill",
            "variant",
            "seed",
            "scale",
            "verdict",
            "started_at",
            "duration_s",
            "findings",
            "proves",
            "code",
            "evidence_path",
            "exit_code",
            "indexed_at",
        )
        read_only_fields = ("indexed_at",)


class StandingSerializer(serializers.Serializer[Any]):
    """A self-score against its evidence. `ceiling` is null while no evidence decides."""

    ceiling = serializers.IntegerField(allow_null=True, min_value=0, max_value=HIGHEST_SCORE)
    reason = serializers.CharField()
    gap = serializers.IntegerField()
    overclaim = serializers.BooleanField()
    regressed = serializers.ListField(child=serializers.CharField())
    self_attested = serializers.BooleanField()


class ConfirmationSerializer(serializers.ModelSerializer[Confirmation]):
    """A mentor's re-run that held."""

    class Meta:
        model = Confirmation
        fields = ("mentor", "run_id", "seed", "confirmed_at", "notes")
        read_only_fields = fields


class DrillSerializer(serializers.ModelSerializer[Drill]):
    """A drill with its score, its standing and the newest run of each variant."""

    dimensions = DimensionSerializer(many=True)
    score = ScoreSerializer()
    standing = StandingSerializer()
    latest_runs = RunSerializer(many=True)
    confirmations = ConfirmationSerializer(many=True)
    core = serializers.ListField(child=serializers.CharField())
    stretch = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Drill
        fields = (
            "key",
            "number",
            "title",
            "competency_focus",
            "risk_focus",
            "dimensions",
            "core",
            "stretch",
            "score",
            "standing",
            "latest_runs",
            "confirmations",
        )
        read_only_fields = fields


class HintSerializer(serializers.Serializer[Any]):
    """A hint. `text` is null until it was opened, which is logged."""

    key = serializers.CharField()
    level = serializers.ChoiceField(["nudge", "direction", "solution"])
    title = serializers.CharField()
    checks = serializers.ListField(child=serializers.CharField(), help_text="Checks that it helps with; none: all.")
    used_at = serializers.DateTimeField(allow_null=True)
    text = serializers.CharField(allow_null=True)


class BriefSerializer(serializers.Serializer[Any]):
    """What a learner reads before a drill; texts are Markdown."""

    brief = serializers.CharField()
    steps = serializers.ListField(child=serializers.CharField())
    deliverable = serializers.ListField(child=serializers.CharField())
    checked = serializers.ListField(child=serializers.CharField())
    files = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Check, without its brackets → the files of an attempt that it is about.",
    )
    hints = HintSerializer(many=True)


class ConfirmationInputSerializer(serializers.Serializer[Any]):
    """Who ran the learner's code again, and which run it was."""

    mentor = serializers.CharField(max_length=100)
    run_id = serializers.RegexField(RUN_ID_PATTERN, max_length=120)


class MonthSerializer(serializers.ModelSerializer[Month]):
    """Notes on a month."""

    class Meta:
        model = Month
        fields = ("month", "notes", "version", "updated_at")
        read_only_fields = fields


class MonthInputSerializer(serializers.Serializer[Any]):
    """What to save; all of it is required."""

    notes = serializers.CharField(allow_blank=True, max_length=MAX_NOTES, trim_whitespace=False)
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class LearnerSerializer(serializers.ModelSerializer[Learner]):
    """The learner. The name is empty until one is given."""

    class Meta:
        model = Learner
        fields = ("name", "version", "updated_at")
        read_only_fields = fields


class LearnerInputSerializer(serializers.Serializer[Any]):
    """What to save; all of it is required."""

    name = serializers.CharField(allow_blank=True, max_length=100)
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class RedFlagSerializer(serializers.Serializer[Any]):
    """Something to look at."""

    kind = serializers.ChoiceField(["critical_gap", "overclaim", "regression"])
    drill = serializers.IntegerField()
    text = serializers.CharField()


class AxisSerializer(serializers.Serializer[Any]):
    """An axis of the radar; drills by number. `mean` is null while none of them is scored."""

    key = serializers.CharField()
    name = serializers.CharField()
    mean = serializers.FloatField(allow_null=True)
    scored = serializers.IntegerField()
    drills = serializers.ListField(child=serializers.IntegerField())
    raise_with = serializers.ListField(child=serializers.IntegerField())


class MissingSerializer(serializers.Serializer[Any]):
    """One thing that a level still asks for."""

    text = serializers.CharField()
    drill = serializers.IntegerField(allow_null=True)
    has = serializers.IntegerField(allow_null=True)
    needs = serializers.IntegerField(allow_null=True)


class LevelSerializer(serializers.Serializer[Any]):
    """A completion level with what is missing for it."""

    key = serializers.CharField()
    name = serializers.CharField()
    asks = serializers.CharField()
    reached = serializers.BooleanField()
    missing = MissingSerializer(many=True)


class MonthStateSerializer(serializers.Serializer[Any]):
    """A month of the trend. Without data its average is null, whatever the scores were."""

    month = serializers.CharField()
    has_data = serializers.BooleanField()
    average = serializers.FloatField(allow_null=True)
    scored = serializers.IntegerField()
    red_flags = RedFlagSerializer(many=True)
    notes = serializers.CharField()
    version = serializers.IntegerField()
    updated_at = serializers.DateTimeField(allow_null=True)


class ProgressSerializer(serializers.Serializer[Any]):
    """Radar, weakest dimensions, levels, red flags and months, as of now."""

    average = serializers.FloatField(allow_null=True)
    scored = serializers.IntegerField()
    radar = AxisSerializer(many=True)
    weakest = AxisSerializer(many=True)
    levels = LevelSerializer(many=True)
    reached = serializers.CharField(allow_null=True)
    next_level = serializers.CharField(allow_null=True)
    self_attested = serializers.ListField(child=serializers.IntegerField())
    red_flags = RedFlagSerializer(many=True)
    months = MonthStateSerializer(many=True)


class ImportedSerializer(serializers.Serializer[Any]):
    """How many of each kind an import has added; all 0 when this lab had everything already."""

    scores = serializers.IntegerField()
    hints = serializers.IntegerField()
    confirmations = serializers.IntegerField()
    months = serializers.IntegerField()
    runs = serializers.IntegerField()
    names = serializers.IntegerField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error. Source: RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField(), required=False)  # type: ignore[assignment]
