"""The driver's clock: the monotonic one of this machine, as the plan names it; and whether its process stood still."""

import os
import signal
import subprocess
import sys
import time

from loadtests.client import Clock


def test_a_wall_clock_that_is_wrong_moves_no_arrival(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 4.0)
    clock = Clock(1_700_000_000.0, time.monotonic() - 10.0)
    assert 10.0 <= clock.now_s() < 3600


def test_without_a_monotonic_start_the_wall_clock_says_it_once(monkeypatch):
    """So it is on another host, whose clock is compared with the driver's."""
    clock = Clock(time.time() - 10.0)
    monkeypatch.setattr(time, "time", lambda: 4.0)
    assert 10.0 <= clock.now_s() < 3600


WATCHED = """
import locust, gevent, sys, time
from loadtests.client import Clock
from loadtests.worker import Worker
worker = Worker.__new__(Worker)
worker.clock, worker._stood_still = Clock(0.0, time.monotonic()), []
gevent.spawn(worker._notice_stops)

def burn():
    until = time.process_time() + 3.0
    while time.process_time() < until:
        pass

gevent.sleep(0.1)
print("ready", flush=True)
if sys.argv[1] == "busy":
    gevent.spawn(burn).join()
while sys.argv[1] == "stopped" and not worker._stood_still:
    gevent.sleep(0.05)
gevent.sleep(0.7)
print(len(worker._stood_still), flush=True)
"""


def watched(mode):
    process = subprocess.Popen([sys.executable, "-c", WATCHED, mode], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_stopped_driver_knows_that_it_stood_still():
    process = watched("stopped")
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(3.0)
    os.kill(process.pid, signal.SIGCONT)
    assert process.communicate(timeout=60)[0] == "1\n"
