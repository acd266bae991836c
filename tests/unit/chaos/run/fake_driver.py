"""Plays a load plan without any load: `python fake_driver.py MODE PLAN`. It writes what the real driver would.

Modes: `normal` all is answered; `errors` nothing is; `errors_later` nothing in later phases; `dies` ends amid the load;
`broken` ends before the start; `silent` never says that it is ready; `early` ends before the last phase does;
`elsewhere` waits for workers first, then for a line on stdin that makes the plan final; `alone` gives them up; `waits`
still waits.
"""

import json
import sys
import threading
import time
from pathlib import Path

mode, plan_file = sys.argv[1:]
plan = json.loads(Path(plan_file).read_bytes())
out = Path(plan["out_dir"])
if mode == "broken":
    sys.stderr.write("world_file: got nothing, expected a world\n")
    sys.exit(2)

if mode == "alone":
    sys.stderr.write("load workers elsewhere: got 0 of 2\n")
    sys.exit(4)
stop = threading.Event()


def say(**progress: object) -> None:
    sys.stdout.write(json.dumps({"at_s": time.time() - plan["t0_unix_s"], "phase": "", **progress}) + "\n")
    sys.stdout.flush()


if mode == "waits":
    say(note="load worker 0 came from there (1 of 2)")
    sys.stdin.read()
    sys.exit(0)
if mode == "elsewhere":
    assert plan["t0_unix_s"] == 0, plan
    say(note="load worker 0 came from there (1 of 2)\nload worker 1 came from there (2 of 2)")
    say(mustered=True)
    sys.stdin.readline()
    plan = json.loads(Path(plan_file).read_bytes())


def watch_stdin() -> None:
    sys.stdin.read()
    stop.set()


threading.Thread(target=watch_stdin, daemon=True).start()


sys.stdout.write("a library that prints\n")
if mode == "silent":
    stop.wait(60)
    sys.exit(0)
say(ready=True)
arrivals = []
for phase in plan["phases"]:
    rate = (phase["rate_from_per_s"] + phase["rate_to_per_s"]) / 2
    count = int(rate * phase["duration_s"])
    arrivals += [(phase["start_s"] + number / rate, phase["name"]) for number in range(count)]
if mode == "early":
    last = plan["phases"][-1]
    arrivals = [arrival for arrival in arrivals if arrival[0] < last["start_s"] + last["duration_s"] / 2]
written = []
with (out / "history" / "worker-0.jsonl").open("w", buffering=1) as history:

    def write(**line: object) -> None:
        written.append(line)
        history.write(json.dumps(line) + "\n")

    write(t="start", version=1, worker=0, t0_unix_s=plan["t0_unix_s"], variant=plan["variant"], seed=plan["seed"])
    for number, (at_s, name) in enumerate(arrivals):
        if stop.wait(max(0.0, plan["t0_unix_s"] + at_s - time.time())):
            break
        if mode == "dies" and name != plan["phases"][0]["name"]:
            sys.stderr.write("Traceback\nMemoryError: too much\n")
            sys.exit(4)
        id_ = f"0-{number}"
        write(t="invoke", id=id_, op="browse", phase=name, intended=at_s, sent=at_s)
        bad = mode == "errors" or (mode == "errors_later" and name != plan["phases"][0]["name"])
        write(t="info" if bad else "ok", id=id_, ended=at_s + 0.002, status=500 if bad else 200)
        if number % 10 == 0:
            say(phase=name, scheduled=10, outcomes={"ok": 10})
    history.write(json.dumps({"t": "end", "lines": len(written)}) + "\n")
ends_s = plan["phases"][-1]["start_s"] + plan["phases"][-1]["duration_s"]
if mode != "early":
    stop.wait(max(0.0, plan["t0_unix_s"] + ends_s + 0.1 - time.time()))
(out / "driver.json").write_text(json.dumps({"ended": "stopped" if stop.is_set() else "finished"}))
