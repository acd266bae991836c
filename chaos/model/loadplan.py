"""What the engine hands to the load driver, and what the driver says back. The driver reads nothing else."""

from __future__ import annotations

import msgspec

LOADPLAN_VERSION = 1


class PlanPhase(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of load; its rate moves linearly.

    Attributes:
        mix: Operation → weight; the shares are weights over their sum.
    """

    name: str
    start_s: float
    duration_s: float
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
            elsewhere: nobody knows when they come. The driver then waits for them, says `mustered`, and reads this file
            again as soon as a line comes on its standard input.
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
        access_table: The access matrix, as its file has it; empty when no phase asks it.
        metrics_port: Where the live Prometheus series are served on *metrics_host*; 0 serves none.
    """

    run_id: str
    scenario: str
    variant: str
    seed: int
    t0_unix_s: float
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
    metrics_port: int = 0
    metrics_host: str = "127.0.0.1"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One line on the driver's stdout, twice a second: figures since the last line, except the totals.

    Attributes:
        ready: True once: the self-test passed and the schedule is armed.
        mustered: True once, before that, with workers elsewhere: all of them are there, and the plan may become final.
        note: Sentences for people and for the journal, one a line, e.g. that a worker came or was lost.
        p95_ms: Latency from intended start over main operations that ended in this interval; None without any.
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


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True):
    """One load worker, for the self-checks that a sum over all of them would hide.

    Attributes:
        host: Name that its host gives itself; empty for a worker that the driver started here.
        ended: As in the report, or `lost`.
        clock_offset_s: Its clock minus the driver's, the worse of two measurements, before and after the load; None
            when there was none, as for a worker here, which has the same clock.
        clock_error_s: Half the round trip of that measurement: the offset may be off by so much.
    """

    worker: int
    host: str = ""
    ended: str = "lost"
    scheduled: int = 0
    send_lag_p99_s: float = 0.0
    cpu_ratio: float = 0.0
    clock_offset_s: float | None = None
    clock_error_s: float | None = None


class DriverReport(msgspec.Struct, kw_only=True):
    """driver.json: the driver's account of itself; the self-checks of the judge read it.

    Attributes:
        scheduled, ok, fail, info, dropped: Main operations; the last four must add up to the first.
        operations: All operations including polls and double clicks (= ids in the history).
        workers_expected, workers_finished: A vanished worker makes the run inconclusive.
        workers: Each of them.
        lost: A sentence for each worker that vanished.
        send_lag_p50_s, send_lag_max_s: sent - intended of main operations, over all workers.
        send_lag_p99_s: The same, of the worker that was latest: among many, one that fell behind would hide.
        cpu_ratio: CPU seconds of the busiest driver process per second of load, 0..1.
        no_hidden_resend: The start-up self-test saw exactly one send against a socket that closes without replying.
        crashed: Exceptions that escaped a journey: a defect of the driver.
        ended: `finished`, `stopped` (stdin closed or a signal) or `crashed`.
    """

    scheduled: int = 0
    ok: int = 0
    fail: int = 0
    info: int = 0
    dropped: int = 0
    operations: int = 0
    workers_expected: int = 1
    workers_finished: int = 0
    workers: list[WorkerReport] = []
    lost: list[str] = []
    send_lag_p50_s: float = 0.0
    send_lag_p99_s: float = 0.0
    send_lag_max_s: float = 0.0
    cpu_ratio: float = 0.0
    no_hidden_resend: bool = False
    crashed: list[str] = []
    ended: str = "crashed"
    versions: dict[str, str] = {}
