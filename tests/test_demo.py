"""`runkey-server demo`: the whole thing on an empty machine."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from outside import BIN, Machine

pytestmark = pytest.mark.story


def test_it_ends_by_itself_and_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    done = machine.run(
        str(BIN / "runkey-server"), "demo", "--exit", TMPDIR=str(tmp_path / "tmp"), RUNKEY_API_KEY="junk", WANDB_MODE="offline"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal to what was logged, value for value" in done.stdout
    assert "step 300/300" in done.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
    assert [path.name for path in machine.home.iterdir()] == []


def test_it_keeps_serving_until_control_c(machine: Machine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with out.open("w") as said:
        process = subprocess.Popen(
            [str(BIN / "runkey-server"), "demo"], cwd=machine.home, env=machine.environment, stdout=said, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + 60
    while "keeps running" not in out.read_text():
        assert process.poll() is None, out.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    address = next(line.split()[-1] for line in out.read_text().splitlines() if line.startswith("The runs:"))
    assert address.endswith("/demo/penguins")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=15) == 0
    assert "everything is removed" in out.read_text()
    assert "Traceback" not in out.read_text()
