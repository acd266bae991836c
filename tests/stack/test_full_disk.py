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

from tests.stack.test_run import CHECKOUT, DOWN, SHORT, TOKEN

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

# A file system of a run's own, that nobody else sees and that goes with its last process. A run wants 200 MiB free when
# it begins, so somebody else takes the room as soon as the fault is there.
WITHIN = """
cd "$FIREDRILL_EVIDENCE_DIR/.." && mount -t tmpfs -o size=250m tmpfs "$FIREDRILL_EVIDENCE_DIR" || exit 99
(
  for try in $(seq 900); do
    if cat "$FIREDRILL_EVIDENCE_DIR"/*/journal.jsonl 2>/dev/null | grep -q fault_injected; then
      cat /dev/zero >"$FIREDRILL_EVIDENCE_DIR/ballast" 2>/dev/null
      exit
    fi
    sleep 0.1
  done
) &
filler=$!
cd "$CHECKOUT" && "$@"
code=$?
wait $filler
rm -f "$FIREDRILL_EVIDENCE_DIR/ballast"
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


@pytest.mark.extended
def test_a_full_disk_ends_the_run_with_the_lab_clean_and_what_fitted_kept(stack: Any, tmp_path: Path) -> None:
    evidence, kept = stack.lab_dir / "evidence", tmp_path / "kept"  # the agent takes no other folder
    evidence.mkdir(exist_ok=True)
    kept.mkdir()
    scenario = tmp_path / "short.yaml"
    scenario.write_text(SHORT.replace("FAULT", DOWN))
    run = [sys.executable, "-m", "chaos.cli", "run", str(scenario), "--variant", "hardened", "--no-up", "--json"]
    done = subprocess.run(
        [*namespace(), "sh", "-c", WITHIN, "sh", *run],
        env={
            **stack.environment,
            "FIREDRILL_EVIDENCE_DIR": str(evidence),
            "KEPT": str(kept),
            "CHECKOUT": str(CHECKOUT),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 4, f"{done.stdout[:3000]}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["exit_code"] == 4
    assert "No space left on device, expected room to write the evidence" in error["message"], error
    with urllib.request.urlopen(f"{stack.url('toxiproxy')}/proxies", timeout=5) as answer:
        proxies = json.load(answer)
    assert all(proxy["enabled"] and not proxy["toxics"] for proxy in proxies.values()), proxies
    (folder,) = kept.iterdir()
    events = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines() if line.endswith("}")]
    assert "fault_injected" in {event["event"] for event in events}, "what was written before the disk was full is gone"
    assert not TOKEN.search((folder / "world.json").read_text()), "tokens stayed in the evidence"
