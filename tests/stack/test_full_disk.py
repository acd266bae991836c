"""A whole run whose evidence is on a file system that fills while a fault is held."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.stack.test_run import CHECKOUT, DOWN, SHORT

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

# Room for what is written before the load and in its first seconds, not for a whole run (about 200 kB at this rate).
ROOM_KIB = 160
# A file system of a run's own, that nobody else sees and that goes with its last process.
WITHIN = """
mount -t tmpfs -o size={room}k tmpfs "$FIREDRILL_EVIDENCE_DIR" || exit 99
"$@"
code=$?
df --output=avail "$FIREDRILL_EVIDENCE_DIR" | tail -n 1 >&2
cp -r "$FIREDRILL_EVIDENCE_DIR"/. "$KEPT"
exit $code
"""


def namespace() -> list[str]:
    """The command that gives a process mounts of its own, as root or by a user namespace."""
    for options in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        command = ["unshare", *options]
        probe = [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if shutil.which("unshare") and not subprocess.run(probe, capture_output=True, check=False).returncode:
            return command
    pytest.skip("unshare: got a machine that allows no mounts of one's own, expected one that does")


def test_a_full_disk_ends_the_run_with_the_lab_clean_and_what_fitted_kept(stack: Any, tmp_path: Path) -> None:
    evidence, kept = tmp_path / "evidence", tmp_path / "kept"
    evidence.mkdir()
    kept.mkdir()
    scenario = tmp_path / "short.yaml"
    scenario.write_text(SHORT.replace("FAULT", DOWN))
    run = [sys.executable, "-m", "chaos.cli", "run", str(scenario), "--variant", "hardened", "--no-up", "--json"]
    done = subprocess.run(
        [*namespace(), "sh", "-c", WITHIN.format(room=ROOM_KIB), "sh", *run],
        cwd=CHECKOUT,
        env={**stack.environment, "FIREDRILL_EVIDENCE_DIR": str(evidence), "KEPT": str(kept)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 4, done
    assert "Traceback" not in done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["exit_code"] == 4
    assert "No space left on device, expected room to write the evidence" in error["message"], error
    with urllib.request.urlopen(f"{stack.url('toxiproxy')}/proxies", timeout=5) as answer:
        proxies = json.load(answer)
    assert all(proxy["enabled"] and not proxy["toxics"] for proxy in proxies.values()), proxies
    (folder,) = kept.iterdir()
    events = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines() if line.endswith("}")]
    assert events[0]["event"] == "run_started", "what was written before the disk was full is gone"
    assert "access" not in (folder / "world.json").read_text(), "tokens stayed in the evidence"
