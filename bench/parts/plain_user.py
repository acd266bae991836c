"""Locust's FastHttpUser without the lab's driver, as a process of its own: `plain_user.py PORT SECONDS`."""

from __future__ import annotations

import json
import os
import sys

import gevent
from locust import FastHttpUser, constant, task
from locust.env import Environment


def plain_fast_http_user(port: int, seconds: float) -> None:
    """Locust used as in its manual; prints the requests and CPU seconds of the measured time."""

    class Visitor(FastHttpUser):
        wait_time = constant(0)

        @task
        def look(self) -> None:
            self.client.get("/api/events/")

    environment = Environment(user_classes=[Visitor], host=f"http://127.0.0.1:{port}")
    runner = environment.create_local_runner()
    runner.start(20, spawn_rate=20)
    gevent.sleep(1)
    requests, cpu_s = environment.stats.total.num_requests, sum(os.times()[:2])
    gevent.sleep(seconds)
    requests, cpu_s = environment.stats.total.num_requests - requests, sum(os.times()[:2]) - cpu_s
    print(json.dumps({"requests": requests, "cpu_s": cpu_s, "failures": environment.stats.total.num_failures}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    plain_fast_http_user(int(sys.argv[1]), float(sys.argv[2]))
