"""The README's own words, run in their order: a reader who only follows them gets there."""

import re
import subprocess
from pathlib import Path

import pytest
from outside import BIN, Machine, start_server

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- not run: [^>]+-->\n)?```(bash|python)\n(.*?)```", re.DOTALL)
DEFAULT_URL = "http://127.0.0.1:8080"

pytestmark = pytest.mark.story


def test_the_readme_works(machine: Machine) -> None:
    server = start_server(machine.home / "runkey-data")
    ran = 0
    try:
        for skipped, language, text in BLOCK.findall((ROOT / "README.md").read_text()):
            if skipped:
                continue
            text = text.replace(DEFAULT_URL, server.url)
            if language == "python":
                name = re.match(r"# (\w+\.py)( \(not run alone\))?", text)
                assert name is not None, text
                (machine.home / name[1]).write_text(text)
                if name[2]:
                    continue
                text = f"python {name[1]}"
            done = subprocess.run(
                ["bash", "-euc", text], cwd=machine.home, env=machine.environment, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, text + done.stdout + done.stderr
            ran += 1
        assert ran >= 3
        # What it promises: two runs of a hundred rows, ours and the official client's.
        key = (machine.home / "key.txt").read_text().strip()
        query = '{ project(name: "first") { runs { edges { node { state historyLineCount } } } artifact(name: "net:latest") { state } } }'
        status, answer = server.post("/graphql", {"query": query}, key)
        assert status == 200
        assert answer.count(b'"historyLineCount":100') == 2
        assert answer.count(b'"state":"finished"') == 2
        assert answer.count(b'"state":"COMMITTED"') == 1
    finally:
        server.stop()


def test_the_commands_it_names_exist() -> None:
    named = set(re.findall(r"\b(runkey(?:-server)? [a-z]+)", (ROOT / "README.md").read_text()))
    for command in sorted(
        named & {"runkey login", "runkey logout", "runkey status", "runkey exec", "runkey-server serve", "runkey-server demo"}
    ):
        words = command.split()
        assert subprocess.run([str(BIN / words[0]), words[1], "--help"], capture_output=True, timeout=30).returncode == 0
