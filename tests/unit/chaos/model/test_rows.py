import pytest

from chaos.model.rows import read_of, write_of


def test_a_row_is_read_by_its_key():
    read = read_of('SELECT … FROM "tier" WHERE "tier"."id" = 7 LIMIT 21')
    assert read is not None
    assert (read.rows, read.one, read.locked) == ({"tier": "7"}, True, frozenset())


@pytest.mark.parametrize(
    ("sql", "rows", "one", "locked"),
    [
        ('SELECT … FROM "o" WHERE ("o"."customer_id" = 5 AND "o"."id" = \'a-b\'::uuid)', {"o": "a-b"}, True, set()),
        ("select sold from tier where id = 7 for update", {"tier": "7"}, True, {"tier"}),
        ('SELECT … FROM "tier" WHERE "tier"."id" = 7 FOR NO KEY UPDATE NOWAIT', {"tier": "7"}, True, {"tier"}),
        ('SELECT … FROM "tier" WHERE "tier"."id" = 7 FOR KEY SHARE', {"tier": "7"}, True, set()),
        (
            'SELECT … FROM "o" INNER JOIN "tier" ON ("o"."tier_id" = "tier"."id") WHERE "o"."id" = \'x\' FOR UPDATE',
            {"o": "x", "tier": None}, True, {"o", "tier"},
        ),
        (
            'SELECT … FROM "o" INNER JOIN "tier" ON (1 = 1) WHERE "o"."id" = 3 FOR UPDATE OF "o" SKIP LOCKED',
            {"o": "3", "tier": None}, True, {"o"},
        ),
        ('SELECT … FROM "tier" WHERE ("tier"."id" = 7 OR "tier"."id" = 8)', {"tier": None}, False, set()),
        ('SELECT … FROM "tier" WHERE "tier"."name" = \'FROM x WHERE id = 7\'', {"tier": None}, False, set()),
        ('SELECT … FROM "tier" WHERE "tier"."id" = $1', {"tier": None}, False, set()),
        (
            'SELECT … FROM "o" WHERE ("o"."id" = 3 AND EXISTS(SELECT 1 FROM "tier" WHERE "tier"."id" = 9))',
            {"o": "3", "tier": None}, True, set(),
        ),
    ],
)  # fmt: skip
def test_what_is_read_for_sure(sql, rows, one, locked):
    read = read_of(sql)
    assert read is not None
    assert (read.rows, read.one, set(read.locked)) == (rows, one, locked)


@pytest.mark.parametrize("sql", ["SELECT 1", "BEGIN", "SELECT 1 FROM a UNION SELECT 2 FROM b", "", "SELECT …"])
def test_what_is_no_plain_select(sql):
    assert read_of(sql) is None


def test_a_row_is_written_by_its_key():
    write = write_of(
        'UPDATE "tier" SET "name" = \'a, "b" = (\', "sold" = ("tier"."sold" + 1), "at" = \'2026-01-01T10:00:00+00:00\''
        '::timestamptz, "x" = NULL, "n" = -3 WHERE "tier"."id" = 7 RETURNING "id"'
    )
    assert write is not None
    assert (write.table, write.key) == ("tier", "7")
    assert write.constants == {"name": "'a, \"b\" = ('", "x": "NULL", "n": "-3"}
    assert write.computed == {"sold"}


@pytest.mark.parametrize(
    "sql",
    [
        'UPDATE "tier" SET "sold" = 5 WHERE ("tier"."id" = 7 AND "tier"."version" = 3)',
        'UPDATE "tier" SET "sold" = ("tier"."sold" + 1) WHERE ("tier"."id" = 7 AND "tier"."sold" <= 149)',
        'UPDATE "tier" SET "sold" = 5 WHERE ("tier"."id" = 7 OR "tier"."id" = 8)',
        'UPDATE "tier" SET "sold" = 5 WHERE "tier"."id" IN (7)',
        'UPDATE "tier" SET "sold" = 5 WHERE "tier"."event_id" = 7',
        'UPDATE "tier" SET "sold" = 5 FROM "other" WHERE "tier"."id" = 7',
        'UPDATE "tier" SET "sold" = 5',
        'UPDATE "tier" SET "name" = \'cut off',
        'DELETE FROM "tier" WHERE "tier"."id" = 7',
        "",
    ],
)
def test_what_is_no_unconditional_update_of_one_row(sql):
    assert write_of(sql) is None
