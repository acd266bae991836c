"""An exchange run: section after section, one request at a time, with nothing else in flight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import msgspec

from chaos.errors import LabBroken
from chaos.evidence.files import read_json
from chaos.exchanges import KINDS as SOURCES
from chaos.exchanges._chosen import chosen
from chaos.exchanges._source import Ground
from chaos.files import write_atomic
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.drawn import Drawn
from chaos.model.exchange import MOST_CASES, Case, Exchange
from chaos.model.folder import File
from chaos.model.journal import EventKind
from chaos.model.world import SeededWorld
from chaos.plan import PlannedFault
from chaos.run.asked import Asked
from chaos.run.attended import Attended
from chaos.run.exchange_files import ExchangeFiles
from chaos.run.faults import SectionFault
from chaos.run.interleaving.section import Forcing
from chaos.run.ongoing import Ongoing
from chaos.run.paths import Paths
from chaos.run.player import Player, World, written
from chaos.run.request import Draw
from chaos.run.samplers import HostFile, sampled
from chaos.run.smaller import Shrinking
from chaos.scenario import Scenario, Section

STILL = ("worker", "relay")
"""The shop's processes that work without a request: while they are paused, every statement is the API's."""
CALM_S, POLL_S = 0.005, 0.005
"""Pauses between two exchanges: longer than the log's resolution of 1 ms, so that no statement can belong to both."""
BUSY_PATIENCE_S = 10.0
TICK_S = 0.1


def first_rows(scenario: Scenario) -> dict[str, Any]:
    """Argument *rows* for `prepare`: what the first case that names a number of rows needs; empty when none does.

    Known before the world is seeded, since the rows of a source do not depend on ids.
    """
    sizes = [size for section in scenario.exchanges for size in SOURCES[section.source].sizes(section.params)]
    return {"rows": sizes[0]} if sizes else {}


class UnderExchanges(Attended):
    """The traffic of an exchange run: see the module."""

    def __init__(self, run: Ongoing) -> None:
        super().__init__(run)
        self._client = Asked()
        self._rows: int | None = first_rows(run.scenario).get("rows")
        self._edition = 0
        self._ended_s = 0.0

    @property
    def until_s(self) -> float:
        return self._ended_s

    def play(self) -> None:
        run, recorder = self._run, self._tools.recorder
        if recorder is None:
            raise LabBroken("exchanges: got no recorder of statements, expected one")
        self._recorder = recorder
        world = World.read(run.folder / File.WORLD)
        self._begin()
        recorder.start()
        run.t0_unix_s = run.journal.t0_unix_s = round(self._tools.lab.clock.now_unix_s(), 3)
        self._take_lease()
        salt = self._tools.salt(run.plan.seed)
        self._forcing = Forcing(run, salt=salt)
        player = Player(
            self._tools.api_url, world, now_unix_s=self._tools.lab.clock.now_unix_s, t0_unix_s=run.t0_unix_s, salt=salt,
            seed=run.plan.seed,
        )  # fmt: skip
        files = ExchangeFiles(run, player)
        host = HostFile(run.folder / File.HOST, api_cpu_s=dict)  # whether late orders had a machine to end on
        try:
            with sampled({"host": host}, t0_unix_s=run.t0_unix_s, now=self._tools.lab.clock.now_unix_s):
                self._play_sections(world, salt, player, files)
        finally:
            self._ended_s = max(0.0, run.now_s)
            files.close()
            player.close()
            recorder.stop()
            files.write_queries(recorder)

    def _play_sections(self, world: World, salt: str, player: Player, files: ExchangeFiles) -> None:
        run = self._run
        sections = self._cases(world, salt)
        self._write_cases(sections, player)
        self._write_contract()
        files.open(salt)
        run.journal.write(
            EventKind.LOAD_STARTED,
            t0_unix_s=run.t0_unix_s,
            t0_steady_s=run.t0_steady_s,
            phases=[],
            sections=[section.name for section, _ in sections],
            cases=sum(len(cases) for _, cases in sections),
        )
        for section, cases in sections:
            self._play_section(section, cases, player, files)
        run.journal.write(EventKind.LOAD_ENDED, ended="finished", exit_code=None)

    def _cases(self, world: World, salt: str) -> list[tuple[Section, list[Case]]]:
        run = self._run
        seeded = read_json(run.folder / File.WORLD, SeededWorld)
        api = self._tools.api_url
        size = run.scenario.world
        self._ground = ground = Ground(
            seed=run.plan.seed, world=seeded, people=world.people(), salt=salt, api=api,
            events=size.events, old_orders=size.old_orders or 0,
            operations=Contract(reference()).names, draw=self._draw,
        )  # fmt: skip
        found = [
            (section, chosen(SOURCES[section.source], section.params, ground)) for section in run.scenario.exchanges
        ]
        number = sum(len(cases) for _, cases in found)
        forced = any(SOURCES[section.source].forces for section, _ in found)
        if number > MOST_CASES or not (number or forced):
            raise LabBroken(f"exchanges: got {number} cases, expected 1 to {MOST_CASES}")
        return found

    def _draw(self, cases: int) -> Sequence[Drawn]:
        self._run.view.say(f"schemathesis draws {cases} valid and {cases} invalid requests of each operation")
        return self._drawing().draw(reference(), seed=self._run.plan.seed, cases=cases)

    def _drawing(self) -> Draw:
        if self._tools.draw is None:
            raise LabBroken("exchanges: got nothing that draws requests, expected schemathesis")
        return self._tools.draw

    def _smaller(
        self, section: Section, asked: list[tuple[Case, Exchange]], player: Player, files: ExchangeFiles
    ) -> int:
        """For each deviation that *asked* shows, look for the smallest request that shows it. How many were sent."""
        run, source = self._run, SOURCES[section.source]

        def send(case: Case) -> Exchange:
            run.stop.check()
            with (run.folder / File.CASES).open("ab") as file:
                file.write(written([case], player.hidden))
            exchange = self._sent(case, player)
            files.add(case, exchange)
            self._calm()
            return exchange

        shrinking = Shrinking(source, Contract(reference()), self._ground, send)
        cases, seed = source.drawn(section.params), run.plan.seed
        try:
            shrinking.play(asked, lambda: self._drawing().smaller(reference(), seed=seed, cases=cases))
        except LabBroken as error:
            run.note(f"the requests of {section.name} are as they were drawn: {error}")  # they show what they show
        if shrinking.sent:
            run.view.say(f"section {section.name}: {shrinking.sent} more, to find the smallest of each deviation")
        return shrinking.sent

    def _write_cases(self, sections: Sequence[tuple[Section, list[Case]]], player: Player) -> None:
        cases = (case for _, cases in sections for case in cases)
        write_atomic(self._run.folder / File.CASES, written(cases, player.hidden))

    def _write_contract(self) -> None:
        """What the answers are judged by: a run of today is not judged by a contract of tomorrow."""
        if any(SOURCES[section.source].contract for section in self._run.scenario.exchanges):
            write_atomic(self._run.folder / File.CONTRACT, msgspec.json.encode(reference()))

    def _play_section(self, section: Section, cases: Sequence[Case], player: Player, files: ExchangeFiles) -> None:
        run = self._run
        run.stop.check()
        starts_s = round(run.now_s, 6)
        run.journal.write(EventKind.PHASE_STARTED, phase=section.name, start_s=starts_s, cases=len(cases))
        with ExitStack() as stack:
            if SOURCES[section.source].quiet:
                stack.enter_context(self._quiet())
            stack.enter_context(self._faults(section))
            if SOURCES[section.source].forces:
                self._forcing.play(section)
            asked = []
            for case in cases:
                run.stop.check()
                self._ready(case)
                exchange = self._sent(case, player)
                files.add(case, exchange)
                asked.append((case, exchange))
                self._calm()
            more = (
                {"more": self._smaller(section, asked, player, files)}
                if SOURCES[section.source].drawn(section.params)
                else {}
            )
        run.journal.write(EventKind.PHASE_ENDED, phase=section.name, end_s=round(run.now_s, 6), **more)

    def _sent(self, case: Case, player: Player) -> Exchange:
        with self._client.asking(self._tools.lab.clock.now_unix_s) as asking:
            exchange = player.send(case, id_=case.id, rows=self._rows)
            asking.answered = exchange.status > 0
        return exchange

    def _ready(self, case: Case) -> None:
        """Fill the world to the case's rows, wait as it says, empty the cache. Raises: LabBroken, LearnerCodeError."""
        run, clock = self._run, self._tools.lab.clock
        edition = self._edition if case.edition is None else case.edition
        if case.rows is not None and (case.rows, edition) != (self._rows, self._edition):
            run.view.say(f"filling the world up to {case.rows} rows, edition {edition}")
            self._tools.stack.fill(
                variant=run.request.variant, seed=run.plan.seed, world=run.scenario.world.asked(),
                world_file=run.folder / File.WORLD, rows=case.rows, edition=edition,
            )  # fmt: skip
            self._rows, self._edition = case.rows, edition
            run.journal.write(EventKind.NOTE, text=f"the world was filled up to {case.rows} rows, edition {edition}")
            self._calm()
        until = clock.now_unix_s() + case.wait_s
        while clock.now_unix_s() < until:
            run.stop.check()
            clock.sleep(min(TICK_S, until - clock.now_unix_s()))
        if case.flush:
            self._recorder.empty_cache()

    def _calm(self) -> None:
        """Wait until no session of the shop is busy in the database, and the log's clock has advanced."""
        clock = self._tools.lab.clock
        give_up = clock.now_unix_s() + BUSY_PATIENCE_S
        clock.sleep(CALM_S)
        while self._recorder.busy() and clock.now_unix_s() < give_up:
            clock.sleep(POLL_S)
            if clock.now_unix_s() >= give_up:
                self._run.note(f"a session of the shop still worked {BUSY_PATIENCE_S:g} s after the answer")
        clock.sleep(CALM_S)

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Pause worker and relay for the block. Healing resumes them too when this code fails."""
        processes = self._tools.lab.processes
        paused = [name for name in STILL if processes.group_of(name) is not None]
        try:
            for name in paused:
                processes.pause_group(name)
            self._run.note(f"standing still: {', '.join(paused) or 'nobody'}")
            self._calm()
            yield
        finally:
            for name in paused:
                processes.resume(name)

    @contextmanager
    def _faults(self, section: Section) -> Iterator[None]:
        """Hold the section's faults for the block, injected one after the other."""
        run, lab = self._run, replace(self._tools.lab, client=self._client)
        specs = [fault for fault in run.scenario.faults if getattr(fault.params, "during", None) == section.name]
        paths, begun = Paths(), list[SectionFault]()
        try:
            for spec in specs:
                planned = PlannedFault(spec=spec, inject_s=round(run.now_s, 6), lift_s=None, trigger=None,
                                       seed=run.plan.seed)  # fmt: skip
                task = SectionFault(
                    planned, lab=lab, journal=run.journal, paths=paths, t0_unix_s=run.t0_unix_s, stop=run.stop.event,
                    ends_s=float("inf"),
                )  # fmt: skip
                begun.append(task)
                task.begin()
            yield
        finally:
            for task in reversed(begun):
                task.end()
