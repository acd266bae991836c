"""The sections `interleaved` of one exchange run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaos.errors import LabBroken
from chaos.exchanges.interleaved import Interleaved
from chaos.model.folder import File
from chaos.model.journal import EventKind
from chaos.run.interleaving.play import Means, Play, Supplies, play
from chaos.run.ongoing import Ongoing
from chaos.scenario import Section


class Forcing:
    """Plays them one after the other. Each writes a history file of its own, numbered from 1."""

    def __init__(self, run: Ongoing, *, salt: str) -> None:
        self._run, self._salt = run, salt
        self._supplies: Supplies | None = None
        self._played = 0

    def play(self, section: Section) -> None:
        """Try every schedule of the section. Raises: LabBroken, Aborted when the user asked the run to end."""
        run, tools = self._run, self._run.tools
        if tools.gate is None or tools.desk is None:
            raise LabBroken("interleaved: got no gate and no messages, expected both")
        assert isinstance(section.params, Interleaved)
        params = section.params
        self._supplies = self._supplies or Supplies(run.folder / File.WORLD)
        self._played += 1
        run.view.say(f"{section.name}: every schedule of {params.pair[0]} and {params.pair[1]}")
        play(
            Play(
                section=section.name,
                pair=params.pair,
                preemptions=params.preemptions,
                at_most=params.at_most,
                hold_s=params.hold,
                only=params.only,
            ),
            Means(
                gate=tools.gate,
                desk=tools.desk,
                processes=tools.lab.processes,
                api_url=tools.api_url,
                folder=run.folder,
                supplies=self._supplies,
                variant=run.request.variant,
                seed=run.plan.seed,
                salt=self._salt,
                t0_unix_s=run.t0_unix_s,
                now_s=lambda: run.now_s,
                sleep=tools.lab.clock.sleep,
                tell=self._tell,
                stopped=lambda: run.stop.asked,
                worker=self._played,
            ),
        )
        run.stop.check()

    def _tell(self, name: str, data: Mapping[str, Any]) -> None:
        self._run.journal.write(EventKind(name), **data)
