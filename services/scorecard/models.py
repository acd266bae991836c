"""Drills and dimensions (from the data file), runs (an index over evidence folders), scores (given by the learner)."""

from __future__ import annotations

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Count, F, Max, Q, Window
from django.db.models.functions import RowNumber

from services.scorecard.rules import LEAST_SCALE, Standing
from services.scorecard.status import HIGHEST_SCORE

RUN_ID_PATTERN = r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z"
CODE_PATTERN = r"\A[0-9a-f]{64}\Z"
MONTH_PATTERN = r"\A[0-9]{4}-(0[1-9]|1[0-2])\Z"
MAX_NOTES = 10_000
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
    """One of the six drills. Its key is stable: scores and runs refer to it.

    Attributes:
        latest_runs: The newest run of each variant; set by `with_evidence`.
        standing: The self-score against its evidence; set by `with_evidence`.
    """

    latest_runs: list[Run]
    standing: Standing

    key = models.SlugField(primary_key=True, max_length=50)
    number = models.PositiveSmallIntegerField(unique=True)
    title = models.CharField(max_length=100)
    competency_focus = models.CharField(max_length=200)
    risk_focus = models.CharField(max_length=200)
    dimensions = models.ManyToManyField(Dimension, related_name="drills")
    core = models.JSONField(default=list, blank=True, help_text="Scenarios of the drill's own steps.")
    stretch = models.JSONField(default=list, blank=True, help_text="Scenarios that a production owner would add.")
    holds = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="Seeds in a row on which each has to hold."
    )

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return f"Drill {self.number}: {self.title}"


class RunQuerySet(models.QuerySet["Run"]):
    """Ways to look at the index."""

    def newest_of_each(self, *fields: str) -> RunQuerySet:
        """The newest run of each combination of *fields*."""
        newest_first = Window(
            RowNumber(),
            partition_by=[F(field) for field in fields],
            order_by=[F("started_at").desc(), F("run_id").desc()],
        )
        # Only ids are ranked, which an index can do: the findings of older runs are not read.
        newest = self.annotate(age_rank=newest_first).filter(age_rank=1).values("run_id")
        return Run.objects.filter(run_id__in=newest)

    def containing(self, text: str) -> RunQuerySet:
        """Runs whose title, scenario or id has *text* in it, whatever its case."""
        return self.filter(Q(title__icontains=text) | Q(scenario__icontains=text) | Q(run_id__icontains=text))

    def with_enough_load(self) -> RunQuerySet:
        """Runs with enough load to count, as in `rules.enough_load`."""
        return self.filter(Q(scale__isnull=True) | Q(scale__gte=LEAST_SCALE))

    def stamp(self) -> tuple[int, datetime | None]:
        """A value that changes with the index: how many runs, and when the last one was written."""
        found = self.aggregate(count=Count("*"), last=Max("indexed_at"))
        return found["count"], found["last"]


class Run(models.Model):
    """One run of a scenario, from its evidence folder. The index can be rebuilt from the folders at any time."""

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
    scale = models.FloatField(null=True, blank=True, help_text="Factor on all rates; empty for runs of before.")
    verdict = models.CharField(max_length=12, choices=Verdict)
    started_at = models.DateTimeField()
    duration_s = models.FloatField(validators=[MinValueValidator(0)])
    findings = models.JSONField(default=list, blank=True)
    proves = models.JSONField(null=True, blank=True, help_text="What the scenario's self-test expects of naive.")
    evidence_path = models.CharField(max_length=1000, blank=True)
    code = models.CharField(
        max_length=64, blank=True, default="", validators=[RegexValidator(CODE_PATTERN)],
        help_text="SHA-256 of the learner's patch; empty for other variants and for runs of before.",
    )  # fmt: skip
    exit_code = models.PositiveSmallIntegerField(validators=[MaxValueValidator(255)])
    indexed_at = models.DateTimeField(auto_now=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-started_at", "-run_id")
        indexes = (
            models.Index(fields=("-started_at", "-run_id"), name="run_newest"),
            models.Index(fields=("drill", "variant", "-started_at", "-run_id"), name="run_by_drill"),
            models.Index(fields=("-indexed_at",), name="run_indexed"),
            models.Index(fields=("scenario", "variant", "-started_at", "-run_id"), name="run_by_scenario"),
        )

    def __str__(self) -> str:
        return self.run_id


class Score(models.Model):
    """The learner's own score of a drill. `version` counts its changes; saving needs the version that was read."""

    drill = models.OneToOneField(Drill, models.PROTECT, primary_key=True, related_name="score")
    value = models.PositiveSmallIntegerField(null=True, blank=True, validators=_SCORE_VALIDATORS)
    notes = models.TextField(blank=True, max_length=MAX_NOTES)
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
        ordering = ("drill", "-changed_at", "-version")
        constraints = (
            models.UniqueConstraint(fields=("drill", "version"), name="score_change_version"),
            models.CheckConstraint(condition=_IS_SCORE, name="score_change_value"),
        )

    def __str__(self) -> str:
        return f"{self.drill_id} version {self.version}"


class HintUse(models.Model):
    """A hint that the learner opened, and when first. The hints themselves are in the data files."""

    drill = models.ForeignKey(Drill, models.PROTECT, related_name="hint_uses")
    hint = models.SlugField(max_length=50)
    solution = models.BooleanField(help_text="Whether it gives the solution away.")
    used_at = models.DateTimeField()

    class Meta:
        ordering = ("drill", "used_at")
        constraints = (models.UniqueConstraint(fields=("drill", "hint"), name="hint_used_once"),)

    def __str__(self) -> str:
        return f"{self.drill_id}: {self.hint}"


class Confirmation(models.Model):
    """A mentor has run the learner's code again on a seed of the mentor's choice, and it held."""

    drill = models.ForeignKey(Drill, models.PROTECT, related_name="confirmations")
    mentor = models.CharField(max_length=100)
    run_id = models.CharField(max_length=120, validators=[RegexValidator(RUN_ID_PATTERN)])
    seed = models.BigIntegerField()
    confirmed_at = models.DateTimeField()
    notes = models.TextField(blank=True, default="", max_length=MAX_NOTES, help_text="What the mentor wrote.")

    class Meta:
        ordering = ("drill", "confirmed_at")
        constraints = (models.UniqueConstraint(fields=("drill", "run_id"), name="confirmed_once_by_run"),)

    def __str__(self) -> str:
        return f"{self.drill_id} by {self.mentor}"


class _Versioned(models.Model):
    """Text that a person enters. Saving needs the version that was read."""

    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(null=True, blank=True, help_text="Empty until the first change.")

    class Meta:
        abstract = True


class Month(_Versioned):
    """Notes on a month; its figures are computed."""

    month = models.CharField(primary_key=True, max_length=7, validators=[RegexValidator(MONTH_PATTERN)])
    notes = models.TextField(blank=True, max_length=MAX_NOTES)

    class Meta:
        ordering = ("month",)

    def __str__(self) -> str:
        return self.month


class Learner(_Versioned):
    """The one person whose scorecard this is: a single row, key 1."""

    name = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="one_learner"),)

    def __str__(self) -> str:
        return self.name or "no name yet"
