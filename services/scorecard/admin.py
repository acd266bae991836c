"""The admin: scores can be edited (through the same function as in the API), everything else is read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from services.scorecard import services
from services.scorecard.models import Confirmation, Dimension, Drill, HintUse, Learner, Month, Run, Score, ScoreChange
from services.scorecard.status import LEVELS, status_of

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.forms import ModelForm
else:  # the stubs make these two generic, Django does not

    class ModelAdmin(admin.ModelAdmin):
        __class_getitem__ = classmethod(lambda cls, _: cls)

    class ModelForm(forms.ModelForm):
        __class_getitem__ = classmethod(lambda cls, _: cls)


admin.site.site_header = admin.site.site_title = "Firedrill scorecard"
admin.site.index_title = "Drills, runs, scores"


class _ReadOnlyMixin:
    """Read-only: these rows come from the data file, the evidence folders or the history."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Dimension)
class DimensionAdmin(_ReadOnlyMixin, ModelAdmin[Dimension]):
    list_display = ("name", "key", "position")


@admin.register(Drill)
class DrillAdmin(_ReadOnlyMixin, ModelAdmin[Drill]):
    list_display = ("number", "title", "key", "competency_focus", "risk_focus")
    list_display_links = ("title",)


@admin.register(Run)
class RunAdmin(_ReadOnlyMixin, ModelAdmin[Run]):
    list_display = ("run_id", "scenario", "variant", "seed", "verdict", "started_at", "duration_s")
    list_filter = ("verdict", "variant", "drill")
    search_fields = ("run_id", "scenario")
    date_hierarchy = "started_at"
    list_per_page = 50
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        """An entry may be deleted: `firedrill index` makes it again from its folder."""
        return bool(super(_ReadOnlyMixin, self).has_delete_permission(request, obj))


@admin.register(ScoreChange)
class ScoreChangeAdmin(_ReadOnlyMixin, ModelAdmin[ScoreChange]):
    list_display = ("drill", "version", "value", "notes", "changed_at")
    list_filter = ("drill",)
    list_select_related = ("drill",)
    ordering = ("-changed_at",)


@admin.register(HintUse)
class HintUseAdmin(_ReadOnlyMixin, ModelAdmin[HintUse]):
    list_display = ("drill", "hint", "solution", "used_at")
    list_filter = ("drill", "solution")
    list_select_related = ("drill",)


@admin.register(Confirmation)
class ConfirmationAdmin(_ReadOnlyMixin, ModelAdmin[Confirmation]):
    list_display = ("drill", "mentor", "run_id", "seed", "confirmed_at")
    list_select_related = ("drill",)


@admin.register(Month)
class MonthAdmin(_ReadOnlyMixin, ModelAdmin[Month]):
    list_display = ("month", "notes", "version", "updated_at")
    ordering = ("-month",)


@admin.register(Learner)
class LearnerAdmin(_ReadOnlyMixin, ModelAdmin[Learner]):
    list_display = ("name", "version", "updated_at")


class ScoreForm(ModelForm[Score]):
    """A score with the version that the page was loaded with."""

    value = forms.TypedChoiceField(
        choices=[("", "not scored"), *((number, f"{number} · {level}") for number, level in enumerate(LEVELS))],
        coerce=int,
        empty_value=None,
        required=False,
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Score
        fields = ("value", "notes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_version"].initial = self.instance.version

    def clean(self) -> dict[str, Any]:
        """Save here: only an error that is raised here is shown on the form; later it would end the page's request."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            services.record_score(
                drill_key=self.instance.pk,
                value=cleaned["value"],
                notes=cleaned["notes"],
                version=cleaned["seen_version"],
            )
        except services.StaleVersion as stale:
            raise forms.ValidationError(str(stale)) from stale
        return cleaned


@admin.register(Score)
class ScoreAdmin(ModelAdmin[Score]):
    form = ScoreForm
    list_display = ("drill", "value", "status", "notes", "version", "updated_at")
    list_select_related = ("drill",)
    readonly_fields = ("drill", "status", "version", "updated_at")
    fields = ("drill", "value", "status", "notes", "version", "updated_at", "seen_version")

    @admin.display(description="Status")
    def status(self, score: Score) -> str:
        status = status_of(score.value)
        return "" if status is None else f"{status.sign} {status.word}"

    def save_model(self, request: HttpRequest, obj: Score, form: Any, change: bool) -> None:
        """Does nothing: the form has saved the score already, with its history."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # each drill has one from the start

    def has_delete_permission(self, request: HttpRequest, obj: Score | None = None) -> bool:
        return False
