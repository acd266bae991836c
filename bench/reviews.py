"""Samples of drill 6: does each exploit work where its flaw is, and nowhere else?

Two looks, both under `review/exploits`. *Each text*: the n-th text of every slot at once, since exploits of different
slots do not meet, so that every flaw, trap and correct text is tried. *Samples*: that of each seed, its exploits
against its key. A refused exploit has to be refused by a shop that works (`back_office_works`), so a sample whose
flaws are all replaced is the reference of its seed, and has to be held. Must be 0: flaws not shown, harmless texts
accused, runs undecided.

A round takes about half a minute. `make bench` takes one seed, the drill's power is `--seeds 10`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Final

from parts.runs import run

from chaos.exploits import EXPLOITS
from services.stack import samples
from services.stack.slots import Alternative, slots

SCENARIO: Final = "review/exploits"
VARIANT: Final = "benched"
KNOWN: Final = slots(samples.SHOP / "samples" / "slots")
ROUNDS: Final = max(len(slot.alternatives) for slot in KNOWN.values())
OTHERS: Final = frozenset({"back_office_works", "addresses_are_kept"})


class Tried:
    """Counts by text: how often it was tried, and how often its slot's exploit succeeded."""

    def __init__(self) -> None:
        self.times, self.shown = Counter[str](), Counter[str]()
        self.wrong: list[str] = []

    def take(self, what: str, chosen: Mapping[str, Alternative], variant: str, seed: int) -> None:
        """Run *variant*, of which *chosen* are the texts, and compare what succeeded with what should."""
        found = run(SCENARIO, variant, seed)
        checks = {one["check"]: one for one in found["findings"]}
        if found["verdict"] not in {"held", "violated"} or "exploits_are_refused" not in checks:
            self.wrong.append(f"{what}: undecided: {found['verdict']}: {found.get('summary', '')[:200]}")
            return
        told = checks["exploits_are_refused"].get("reason", "")  # `examples` are the first ten
        succeeded = {name for name in EXPLOITS if f"; {name}: " in f"; {told}"}
        for slot, text in chosen.items():
            if exploit := KNOWN[slot].exploit:
                self._count(f"{slot}/{text.name}", text.kind, exploit in succeeded, what)
        self.wrong += [
            f"{what}: {name}: {checks[name]['verdict']}: {checks[name].get('reason', '')[:200]}"
            for name in sorted(OTHERS & checks.keys())
            if checks[name]["verdict"] != "held"
        ]

    def _count(self, name: str, kind: str, came: bool, what: str) -> None:
        self.times[f"{kind} {name}"] += 1
        self.shown[f"{kind} {name}"] += came
        if came != (kind == "flawed"):
            self.wrong.append(f"{what}: {kind} {name}: the exploit {'succeeded' if came else 'was refused'}")


def mended(seed: int) -> dict[str, Alternative]:
    """The sample of *seed* with a correct text in the place of each flaw."""
    sound = {slot: one.of_kind("correct") for slot, one in KNOWN.items()}
    return {
        slot: sound[slot][seed % len(sound[slot])] if text.kind == "flawed" else text
        for slot, text in samples.choice(seed, KNOWN).items()
    }


def written(chosen: Mapping[str, Alternative]) -> str:
    """The name of a variant with these texts."""
    samples.write(samples.SHOP / VARIANT, samples.composed(chosen))
    return VARIANT


def main() -> int:
    """Exit code 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--from", type=int, default=1, dest="first")
    arguments, _ = parser.parse_known_args()
    texts, drawn = Tried(), Tried()
    try:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            for number in range(ROUNDS):
                chosen = {name: slot.alternatives[number % len(slot.alternatives)] for name, slot in KNOWN.items()}
                texts.take(f"round {number} seed {seed}", chosen, written(chosen), seed)
            drawn.take(f"sample {seed}", samples.choice(seed, KNOWN), samples.variant_of(seed), seed)
            reference = mended(seed)
            drawn.take(f"reference {seed}", reference, written(reference), seed)
            print(f"seed {seed}: {len(texts.wrong) + len(drawn.wrong)} wrong so far", flush=True)
    finally:
        shutil.rmtree(samples.SHOP / VARIANT, ignore_errors=True)
    print(f"{'text':52} exploit succeeded")
    for name in sorted(texts.times):
        print(f"{name:52} {texts.shown[name]} of {texts.times[name]}")
    planted = {name: times for name, times in drawn.times.items() if name.startswith("flawed")}
    print(f"in samples: {sum(drawn.shown[name] for name in planted)} of {sum(planted.values())} planted flaws shown")
    for line in (*texts.wrong, *drawn.wrong):
        print(f"wrong: {line}")
    return int(bool(texts.wrong or drawn.wrong))


if __name__ == "__main__":
    sys.exit(main())
