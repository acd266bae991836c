"""Five ways to sell the last seats once, each right, and beside each the same idea with its point left out.

Each is an edit of `hardened`: how a learner might have written it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SERVICES = "services.py"
_SEATS = """\
        left = TicketTier.objects.filter(pk=tier.pk, sold__lte=F("capacity") - quantity)
        if not left.update(sold=F("sold") + quantity):
            raise SoldOut
"""
_LOOK = """\
        seen = TicketTier.objects{lock}.get(pk=tier.pk)
        if seen.remaining < quantity:
            raise SoldOut
        seen.sold += quantity
        seen.save(update_fields=["sold"])
"""
_UNCHECKED = """\
        if tier.remaining < quantity:
            raise SoldOut
        TicketTier.objects.filter(pk=tier.pk).update(sold=F("sold") + quantity)
"""
_VERSION = """\
        for _ in range(5):
            seen = TicketTier.objects.get(pk=tier.pk)
            if seen.remaining < quantity:
                raise SoldOut
            same = TicketTier.objects.filter(pk=tier.pk, version=seen.version)
            if same.update(sold=seen.sold + quantity, version=seen.version + 1):
                break
        else:
            raise SoldOut
"""
_VERSION_LOOKED_AT = """\
        seen = TicketTier.objects.get(pk=tier.pk)
        if seen.remaining < quantity or TicketTier.objects.get(pk=tier.pk).version != seen.version:
            raise SoldOut
        TicketTier.objects.filter(pk=tier.pk).update(sold=seen.sold + quantity, version=seen.version + 1)
"""
_ANY_SEAT = """\
        free = Seat.objects{lock}.filter(tier=tier, order=None).order_by("pk")[:quantity]
        taken = [seat.pk for seat in free]
        if len(taken) < quantity:
            raise SoldOut
        Seat.objects.filter(pk__in=taken).update(order=order)
        TicketTier.objects.filter(pk=tier.pk).update(sold=Seat.objects.filter(tier=tier, order__isnull=False).count())
"""
_SEAT_MODEL = '''

class Seat(models.Model):
    """One of the seats of a small tier."""

    tier = models.ForeignKey(TicketTier, on_delete=models.CASCADE, related_name="seats")
    order = models.ForeignKey("Order", on_delete=models.SET_NULL, null=True, related_name="seats")

    def __str__(self) -> str:
        return str(self.pk)
'''
_SEATS_OF_NEW_TIERS = """
CREATE FUNCTION make_seats() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO shop_seat (tier_id) SELECT NEW.id FROM generate_series(1, NEW.capacity);
  RETURN NULL;
END $$;
CREATE TRIGGER make_seats AFTER INSERT ON shop_tickettier FOR EACH ROW WHEN (NEW.capacity <= 10)
  EXECUTE FUNCTION make_seats();
"""
_TRIED_AGAIN = '''

def place_order(**asked: object) -> Placed:
    """Again when another transaction was in the way; Raises as `_place_order`."""
    for _ in range(9):
        try:
            return _place_order(**asked)
        except OperationalError as error:
            if not isinstance(error.__cause__, SerializationFailure):
                raise
    return _place_order(**asked)
'''


@dataclass(frozen=True)
class Attempt:
    """Edits of files of the variant: what stands there, what is to stand there; and a migration of its own."""

    edits: Mapping[str, tuple[tuple[str, str], ...]]
    migration: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    def apply(self, folder: Path) -> None:
        """To a copy of `hardened`."""
        for name, edits in self.edits.items():
            file = folder / name
            text = file.read_text()
            for old, new in edits:
                assert text.count(old) >= 1, (name, old)
                text = text.replace(old, new, 1)
            file.write_text(text + self.extra.get(name, ""))
        if self.migration:
            (folder / "migrations/0004_attempt.py").write_text(self.migration)


def _migration(*operations: str) -> str:
    return (
        "import django.db.models.deletion\nfrom django.db import migrations, models\n\n\n"
        "class Migration(migrations.Migration):\n"
        '    dependencies = [("shop", "0003_indexes")]\n'
        f"    operations = [{', '.join(operations)}]\n"
    )


def _version(body: str) -> Attempt:
    column = "sold = models.PositiveIntegerField(default=0)\n"
    return Attempt(
        {
            _SERVICES: ((_SEATS, body),),
            "models.py": ((column, f"{column}    version = models.PositiveIntegerField(default=0)\n"),),
        },
        _migration('migrations.AddField("tickettier", "version", models.PositiveIntegerField(default=0))'),
    )


def _any_seat(lock: str) -> Attempt:
    made = (
        'migrations.CreateModel("Seat", [("id", models.BigAutoField(primary_key=True, serialize=False)),'
        ' ("tier", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="seats",'
        ' to="shop.tickettier")),'
        ' ("order", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="seats",'
        ' to="shop.order"))])'
    )
    return Attempt(
        {
            _SERVICES: (
                (_SEATS, _ANY_SEAT.format(lock=lock)),
                ("from .models import UNSETTLED,", "from .models import UNSETTLED, Seat,"),
            ),
            "models.py": (("# Orders that still need", f"{_SEAT_MODEL.strip()}\n\n\n# Orders that still need"),),
        },
        _migration(made, f"migrations.RunSQL({_SEATS_OF_NEW_TIERS!r})"),
    )


def _tried_again(*, serializable: bool) -> Attempt:
    pool = '        DATABASES["default"]["OPTIONS"]["pool"] ='
    level = '        DATABASES["default"]["OPTIONS"]["isolation_level"] = IsolationLevel.SERIALIZABLE\n'
    settings = (
        (pool, f"{level}{pool}"),
        ("from datetime import timedelta\n", "from datetime import timedelta\n\nfrom psycopg import IsolationLevel\n"),
    )
    return Attempt(
        {
            _SERVICES: (
                (_SEATS, _LOOK.format(lock="")),
                ("def place_order(", "def _place_order("),
                ("import LockNotAvailable", "import LockNotAvailable, SerializationFailure"),
            ),
            **({"settings.py": settings} if serializable else {}),
        },
        extra={_SERVICES: _TRIED_AGAIN},
    )


RIGHT: Mapping[str, Attempt] = {
    "conditional": Attempt({}),
    "for_update": Attempt({_SERVICES: ((_SEATS, _LOOK.format(lock=".select_for_update()")),)}),
    "version": _version(_VERSION),
    "serializable": _tried_again(serializable=True),
    "skip_locked": _any_seat(".select_for_update(skip_locked=True)"),
}
WRONG: Mapping[str, Attempt] = {
    "conditional": Attempt({_SERVICES: ((_SEATS, _UNCHECKED),)}),
    "for_update": Attempt({_SERVICES: ((_SEATS, _LOOK.format(lock="")),)}),
    "version": _version(_VERSION_LOOKED_AT),
    "serializable": _tried_again(serializable=False),
    "skip_locked": _any_seat(""),
}
