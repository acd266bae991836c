-- What the lab adds to the variant's database while it forces interleavings: stops at which one actor can be held.
-- It has its own schema, so that dropping the schema removes everything, and no table, so that no rows can be left.

CREATE SCHEMA firedrill_gate;
GRANT USAGE ON SCHEMA firedrill_gate TO PUBLIC;

-- The first key of an actor's advisory locks; the second key is the number of the stop.
CREATE FUNCTION firedrill_gate.key(actor text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_catalog.hashtext(actor) & 2147483647
$$;

-- Counts the writes that name neither a request nor a task: nobody can be held at them. A sequence counts what is rolled
-- back, too. The relay's own writes belong to nobody.
CREATE SEQUENCE firedrill_gate.unnamed;
GRANT USAGE ON SEQUENCE firedrill_gate.unnamed TO PUBLIC;

-- One stop. It lets the actor pass unless a session of the lab holds the lock of this actor and number.
-- The number counts the stops of this actor in this session. The count is kept in the session, not in the transaction,
-- so that it goes on for an actor that commits each statement separately.
CREATE FUNCTION firedrill_gate.stop(actor text, commits boolean) RETURNS void LANGUAGE plpgsql
-- The variant's lock_timeout is for the variant's own locks and must not end a hold; statement_timeout still applies.
SET lock_timeout = 0 AS $$
DECLARE
  told text := coalesce(pg_catalog.current_setting('firedrill.stops', true), '');
  passed int := 0;
  key int := firedrill_gate.key(actor);
  number int;
BEGIN
  IF pg_catalog.split_part(told, ' ', 1) = actor THEN
    passed := pg_catalog.split_part(told, ' ', 2)::int;
  END IF;
  PERFORM pg_catalog.set_config('firedrill.stops', actor || ' ' || (passed + 1), false);
  number := (passed + 1) * 2 + commits::int;
  IF pg_catalog.pg_try_advisory_lock_shared(key, number) THEN
    PERFORM pg_catalog.pg_advisory_unlock_shared(key, number);
    RETURN;
  END IF;
  -- A message that is delivered twice has one id: the first delivery is held, the second one passes.
  IF EXISTS (
    SELECT FROM pg_catalog.pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND classid::bigint = key AND objid::bigint = number AND objsubid = 2
  ) THEN
    RETURN;
  END IF;
  -- Both calls are in one expression list, so that no interrupt comes between them and no lock outlives the statement.
  PERFORM pg_catalog.pg_advisory_lock_shared(key, number), pg_catalog.pg_advisory_unlock_shared(key, number);
END $$;

CREATE FUNCTION firedrill_gate.before_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  actor text := substring(
    pg_catalog.right(pg_catalog.current_query(), 600)
    from '/\*(?:request|task=''[^'']*'',id)=''([^'']+)''[^*]*\*/\s*;?\s*$'
  );
BEGIN
  IF actor IS NOT NULL THEN
    -- Kept for the commit, whose text does not name the actor. The setting ends with the transaction.
    PERFORM pg_catalog.set_config('firedrill.actor', actor, true);
    PERFORM firedrill_gate.stop(actor, false);
  ELSIF pg_catalog.current_setting('application_name') <> 'shop relay' THEN
    PERFORM pg_catalog.nextval('firedrill_gate.unnamed');
  END IF;
  RETURN NULL;
END $$;

-- Deferred, so it runs when the transaction commits, once for each changed row; only the first call stops the actor.
CREATE FUNCTION firedrill_gate.before_commit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  actor text := pg_catalog.current_setting('firedrill.actor', true);
BEGIN
  IF actor <> '' THEN
    PERFORM pg_catalog.set_config('firedrill.actor', '', true);
    PERFORM firedrill_gate.stop(actor, true);
  END IF;
  RETURN NULL;
END $$;
