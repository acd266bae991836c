"""What the engine passes to the load driver, and what the driver reports. The driver reads nothing else."""

from __future__ import annotations

import msgspec

from chaos.model.bounds import AtS, Count, Ratio, UnixS

LOADPLAN_VERSION = 1


class PlanPhase(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of load; its rate moves linearly.

    Attributes:
        mix: Operation → weight; the shares are weights over their sum.
    """

    name: str
    start_s: AtS
    duration_s: AtS
    rate_from_per_s: float
    rate_to_per_s: float
    mix: dict[str, int]


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """How load workers on other hosts find the driver; all workers of such a run are elsewhere.

    Attributes:
        listen: `host:port` of Locust's master.
        key_file: Holds the key that a worker has to show; the key itself is in no plan.
        patience_s: How long the driver waits until all workers are there.
    """

    listen: str
    key_file: str
    patience_s: float = 300.0


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """load-plan.json: one run of the driver.

    Attributes:
        t0_unix_s: When the schedule's second 0 is; far enough ahead for the driver to be ready. 0 with workers
            elsewhere: it is not known when they connect. The driver then waits for them, reports `mustered`, and reads
            this file again when a line comes on its standard input.
        t0_steady_s: The same moment on this machine's monotonic clock, which the driver uses; None when it was not
            given, and for workers on other hosts, which share no clock but the wall clock.
        base_url: The API, without a trailing slash.
        world_file: JSON that `prepare` wrote: tiers, customers with their tokens.
        out_dir: Where `history/`, `histograms.json` and `driver.json` go.
        workers: 1 runs in one process; more are Locust workers behind a master.
        elsewhere: Where the master meets its workers when they are on other hosts; None starts them here.
        max_in_flight: Cap over all workers; an arrival beyond it is recorded as dropped.
        arrivals: `poisson` or `uniform`, both seeded.
        timeout_s: How long an operation may take before it is `info`.
        double_click_ratio: Share of buyers that send the same order twice at once.
        poll_budget: How many status polls one buyer makes at most.
        poll_every_s: Pause between polls.
        salt: Unknown to the shop; keys and request ids are made with it. The same for the same seed in one lab.
        access_table: The text of the access matrix; empty when no phase needs it.
        metrics_hostnames: Host names with which a request for these series is answered.
        metrics_port: Where the live Prometheus series are served on *metrics_host*; 0 serves none.
    """

    run_id: str
    scenario: str
    variant: str
    seed: int
    t0_unix_s: UnixS
    t0_steady_s: float | None = None
    base_url: str
    world_file: str
    out_dir: str
    phases: list[PlanPhase]
    version: int = LOADPLAN_VERSION
    workers: int = 1
    elsewhere: Elsewhere | None = None
    max_in_flight: int = 400
    arrivals: str = "poisson"
    timeout_s: float = 10.0
    double_click_ratio: float = 0.2
    poll_budget: int = 4
    poll_every_s: float = 0.5
    access_table: str = ""
    salt: str = ""
    metrics_port: int = 0
    metrics_host: str = "127.0.0.1"
    metrics_hostnames: list[str] = msgspec.field(default_factory=lambda: ["127.0.0.1", "localhost", "[::1]"])


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One line on the driver's stdout, twice a second: figures since the last line, except the totals.

    Attributes:
        ready: True once: the self-test passed and the schedule is armed.
        mustered: True once, before that, with workers elsewhere: all are connected, and the plan may become final.
        note: Sentences for people and for the journal, one a line, e.g. that a worker came or was lost.
        p95_ms: From intended start to the promised answer, over main operations that ended, or were dropped, in this
            interval; None without operations, and when the operation at that rank had no promised answer.
        outcomes: Main operations that ended in this interval; a documented refusal is `refused`, not `fail`.
    """

    at_s: float
    phase: str
    ready: bool = False
    mustered: bool = False
    note: str = ""
    scheduled: int = 0
    sent: int = 0
    in_flight: int = 0
    dropped: int = 0
    outcomes: dict[str, int] = {}
    p95_ms: float | None = None
    total_scheduled: int = 0
    total_ended: int = 0


class StoodStill(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which a process did not run at all. *until_s* is on the load's clock."""

    until_s: float
    for_s: float


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True):
    """One load worker, for the self-checks that a sum over all of them would hide.

    Attributes:
        host: Name that its host gives itself; empty for a worker that the driver started here.
        ended: As in the report, or `lost`.
        clock_offset_s: Its clock minus the driver's, the worse of two measurements, before and after the load; None
            when there was none, as for a worker here, which has the same clock.
        clock_error_s: Half the round trip of that measurement: the offset may be wrong by up to this much.
        stood_still: When it, or its machine, was stopped; a time in which it was busy does not count.
    """

    worker: int
    host: str
    ended: str
    scheduled: Count
    send_lag_p99_s: Ratio
    cpu_ratio: Ratio
    clock_offset_s: float | None = None
    clock_error_s: Ratio | None = None
    stood_still: list[StoodStill]


class DriverReport(msgspec.Struct, kw_only=True):
    """driver.json: the driver's account of itself; the self-checks of the judge read it.

    A field that a self-check reads has no default: without it the report is unreadable, and the self-check fails.

    Attributes:
        scheduled, ok, fail, info, dropped: Main operations; the last four must add up to the first.
        follow_ups_ok, follow_ups_fail, follow_ups_info: Polls, double clicks and others that follow a main operation.
        operations: Main operations and follow-ups (= ids in the history).
        workers_expected, workers_finished: A vanished worker makes the run inconclusive.
        workers: One report for each worker.
        lost: A sentence for each worker that vanished.
        send_lag_p50_s, send_lag_max_s: sent - intended of main operations, over all workers.
        send_lag_p99_s: The same, of the latest worker: a p99 over all would hide one that fell behind.
        cpu_ratio: CPU seconds of the busiest driver process per second of load, 0..1.
        no_hidden_resend: The start-up self-test saw exactly one send against a socket that closes without replying.
        crashed: Exceptions that escaped a journey: a defect of the driver.
        ended: `finished`, `stopped` (stdin closed or a signal) or `crashed`.
    """

    scheduled: Count
    ok: Count
    fail: Count
    info: Count
    dropped: Count
    follow_ups_ok: Count
    follow_ups_fail: Count
    follow_ups_info: Count
    operations: Count
    workers_expected: Count
    workers_finished: Count
    workers: list[WorkerReport]
    lost: list[str]
    send_lag_p50_s: Ratio
    send_lag_p99_s: Ratio
    send_lag_max_s: Ratio
    cpu_ratio: Ratio
    no_hidden_resend: bool
    crashed: list[str]
    ended: str
    versions: dict[str, str] = {}
