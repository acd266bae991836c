"""The SQL views through which the lab reads the shop's end state: part of the contract, so their columns stay."""

from __future__ import annotations

from django.db import migrations

VIEWS = {
    "lab_tiers": """
        SELECT t.id::bigint AS tier_id, e.slug::text AS event_slug, t.capacity::int AS capacity, t.sold::int AS sold,
               t.price_cents::int AS price_cents
        FROM shop_tickettier t JOIN shop_event e ON e.id = t.event_id
    """,
    "lab_orders": """
        SELECT id::text AS order_id, customer_id::bigint AS customer_id, reference::text AS client_key,
               tier_id::bigint AS tier_id, quantity::int AS quantity, status::text AS status,
               amount_cents::int AS amount_cents, created_at, updated_at
        FROM shop_order
    """,
    "lab_tickets": """
        SELECT id::text AS ticket_id, order_id::text AS order_id, tier_id::bigint AS tier_id, created_at
        FROM shop_ticket
    """,
    "lab_side_effects": """
        SELECT 'confirmation'::text AS kind, order_id::text AS order_id, count(*)::bigint AS times
        FROM shop_confirmation WHERE sent_at IS NOT NULL GROUP BY order_id
    """,
    "lab_pending": """
        SELECT (SELECT count(*) FROM shop_order WHERE status = 'pending'
                   OR (status = 'cancelled' AND refunded_at IS NULL))::bigint AS pending_orders,
               ((SELECT count(*) FROM shop_outbox)
                   + (SELECT count(*) FROM shop_confirmation WHERE next_try_at IS NOT NULL))::bigint AS unsent_outbox
    """,
}


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]

    operations = [
        migrations.RunSQL(f"CREATE VIEW {name} AS {query}", f"DROP VIEW {name}") for name, query in VIEWS.items()
    ]
