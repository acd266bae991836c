"""Drills and dimensions (from the data file), runs (an index over evidence folders), scores (what a person said)."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from services.scorecard.status import HIGHEST_SCORE

RUN_ID_PATTERN = r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z"
_SCORE_VALIDATORS = [MinValueValidator(0), MaxValueValidator(HIGHEST_SCORE)]
_IS_SCORE = Q(value__isnull=True) | Q(value__range=(0, HIGHEST_SCORE))


class Dimension(models.Model):
    """A competency dimension: an axis of the radar."""

    key = models.SlugField(primary_key=True, max_length=50)
    name = models.CharField(max_length=100, unique=True)
    position = models.PositiveSmallIntegerField(help_text="Order of the axes, from 1.")

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return self.name


class Drill(models.Model):
    """One of the six drills. Its key is stable: scores and runs hang on it.

    Attributes:
        latest_runs: The newest run of each variant; there after `with_latest_runs`.
    """

    latest_runs: list[Run]

    key = models.SlugField(primary_key=True, max_length=50)
    number = models.PositiveSmallIntegerField(unique=True)
    title = models.CharField(max_length=100)
    competency_focus = models.CharField(max_length=200)
    risk_focus = models.CharField(max_length=200)
    dimensions = models.ManyToManyField(Dimension, related_name="drills")

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return f"Drill {self.number}: {self.title}"


class RunQuerySet(models.QuerySet["Run"]):
    """Ways to look at the index."""

    def latest_per_variant(self) -> RunQuerySet:
        """The newest run of each drill and variant."""
        newest_first = Window(
            RowNumber(),
            partition_by=[F("drill_id"), F("variant")],
            order_by=[F("started_at").desc(), F("run_id").desc()],
        )
        # Ranked by id alone, which the index run_by_drill answers: the findings of older runs stay unread.
        newest = self.annotate(age_rank=newest_first).filter(age_rank=1).values("run_id")
        return Run.objects.filter(run_id__in=newest).order_by("variant")


class Run(models.Model):
    """One run of a scenario, as its evidence folder tells it. The index can be rebuilt from the folders at any time."""

    class Verdict(models.TextChoices):
        HELD = "held"
        INCONCLUSIVE = "inconclusive"
        VIOLATED = "violated"

    run_id = models.CharField(primary_key=True, max_length=120, validators=[RegexValidator(RUN_ID_PATTERN)])
    scenario = models.CharField(max_length=200, validators=[RegexValidator(r"\A[\w.-]+(/[\w.-]+)*\Z")])
    title = models.CharField(max_length=300, blank=True)
    drill = models.ForeignKey(Drill, models.PROTECT, null=True, blank=True, related_name="runs")
    variant = models.CharField(max_length=100, validators=[RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9._:-]*\Z")])
    seed = models.BigIntegerField()
    verdict = models.CharField(max_length=12, choices=Verdict)
    started_at = models.DateTimeField()
    duration_s = models.FloatField(validators=[MinValueValidator(0)])
    findings = models.JSONField(default=list, blank=True)
    evidence_path = models.CharField(max_length=1000, blank=True)
    exit_code = models.PositiveSmallIntegerField(validators=[MaxValueValidator(255)])
    indexed_at = models.DateTimeField(auto_now=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-started_at", "-run_id")
        indexes = (
            models.Index(fields=("-started_at", "-run_id"), name="run_newest"),
            models.Index(fields=("drill", "variant", "-started_at", "-run_id"), name="run_by_drill"),
            models.Index(fields=("scenario", "variant", "-started_at", "-run_id"), name="run_by_scenario"),
        )

    def __str__(self) -> str:
        return self.run_id


class Score(models.Model):
    """The learner's own score of a drill. `version` counts its changes; who saves must name the one he saw."""

    drill = models.OneToOneField(Drill, models.PROTECT, primary_key=True, related_name="score")
    value = models.PositiveSmallIntegerField(null=True, blank=True, validators=_SCORE_VALIDATORS)
    notes = models.TextField(blank=True, max_length=10_000)
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(null=True, blank=True, help_text="Empty until the first change.")

    class Meta:
        ordering = ("drill__number",)
        constraints = (models.CheckConstraint(condition=_IS_SCORE, name="score_value"),)

    def __str__(self) -> str:
        return f"Score of {self.drill_id}"


class ScoreChange(models.Model):
    """A score as it was from *changed_at* on. Rows are added, never changed or deleted."""

    drill = models.ForeignKey(Drill, models.PROTECT, related_name="score_changes")
    version = models.PositiveIntegerField()
    value = models.PositiveSmallIntegerField(null=True, blank=True, validators=_SCORE_VALIDATORS)
    notes = models.TextField(blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("drill", "-version")
        constraints = (
            models.UniqueConstraint(fields=("drill", "version"), name="score_change_version"),
            models.CheckConstraint(condition=_IS_SCORE, name="score_change_value"),
        )

    def __str__(self) -> str:
        return f"{self.drill_id} version {self.version}"
