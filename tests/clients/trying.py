"""Runs a client's scripts against a server, gathers what they tell of each part, and judges it."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clients.features import Feature, Outcome, judge
from outside import Machine, Server

_SCRIPTS = Path(__file__).parent / "scripts"
# Those that build on what another one left, in one folder and one project, one after the other.
_TOGETHER = (
    ("writing", "reading"),
    ("logins",),
    ("anonymous",),
    ("artifacts",),
    ("going_on",),
    ("stopping",),
    ("sweeping",),
    ("verifying",),
)
# A client that hangs loses what it had not told; none of them needs more than half of this on a slow machine.
_SECONDS = 180

Faults = dict[tuple[str, str, str], str | None]


class Trial:
    """A client of one version, an account and its key, and a folder for their files."""

    def __init__(self, python: Path, server: Server, account: str, key: str, folder: Path) -> None:
        """Use a version's Python."""
        self._python = python
        self._server = server
        self._account = account
        self._key = key
        self._folder = folder

    def judge(self, version: str, features: list[Feature]) -> tuple[dict[str, Outcome], list[str]]:
        """Try features; say how each went, and what of that was not expected."""
        outcomes, surprises = self._judge_once(version, features, "first")
        # Some old clients lose their own helper process now and then while the machine is busy: what surprised is tried once more.
        again = [feature for feature in features if any(f": {feature.name}" in each for each in surprises)]
        if again:
            more, surprises = self._judge_once(version, again, "again")
            outcomes |= more
        return outcomes, surprises

    def _judge_once(self, version: str, features: list[Feature], name: str) -> tuple[dict[str, Outcome], list[str]]:
        faults = self._run(features, f"v{version.replace('.', '-')}-{name}")
        judged = {feature.name: judge(version, feature, faults) for feature in features}
        return {each: outcome for each, (outcome, _) in judged.items()}, [line for _, lines in judged.values() for line in lines]

    def _run(self, features: Iterable[Feature], name: str) -> Faults:
        """Give what went wrong in each part that was told of. name: of the project, new each time."""
        wanted = {script for feature in features for script in feature.parts}
        chains = [together for together in _TOGETHER if not wanted.isdisjoint(together)]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda chain: self._run_chain(chain, name), chains))
        return {part: fault for answer in answers for part, fault in answer.items()}

    def _run_chain(self, scripts: tuple[str, ...], name: str) -> Faults:
        home = self._folder / f"{name}-{scripts[0]}"
        shutil.copytree(_SCRIPTS, home)
        faults: Faults = {}
        for script in scripts:
            told = home / f"{script}.told"
            told.touch()
            self._run_script(Machine(home), script, name, told)
            for line in told.read_text().splitlines():
                entry = json.loads(line)
                faults[(script, entry["feature"], entry["part"])] = entry["fault"]
        return faults

    def _run_script(self, machine: Machine, script: str, name: str, told: Path) -> None:
        environment = machine.environment | {
            "WANDB_BASE_URL": self._server.url,
            "MATRIX_ENTITY": self._account,
            "MATRIX_PROJECT": name,
            "MATRIX_KEY": self._key,
            "MATRIX_TOLD": str(told),
        }
        if script not in ("logins", "anonymous"):
            environment["WANDB_API_KEY"] = self._key
        # What is printed is kept: where a part failed it is what there is to read.
        with (machine.home / f"{script}.log").open("w") as log, contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [str(self._python), "-W", "ignore", f"{script}.py"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=machine.home,
                env=environment,
                timeout=_SECONDS,
            )
