"""`runkey-server demo`: starts a server on a free port with a fresh folder, makes an account, logs this machine in, trains, reads back.

Everything lies in one temporary folder, the client's configuration included: what the person has is never touched.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from runkey_server import accounts, clock, keys, secret_keys
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.settings import Settings

_START_SECONDS = 30
_READ_BACK = """
query ReadBack($entity: String!, $project: String!, $run: String!) {
  project(name: $project, entityName: $entity) {
    run(name: $run) { state config summaryMetrics historyLineCount history(minStep: 0, maxStep: 100000, samples: 100000) }
  }
}
"""


def show(*, ends_by_itself: bool) -> int:
    """Show it; give the exit code: 0 when what was read back equals what was logged."""
    with ExitStack() as cleanup:
        folder = Path(tempfile.mkdtemp(prefix="runkey-demo-"))
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        _say("1 of 5  starting a server in a fresh folder")
        server, url, first_link = _start_server(folder / "server")
        cleanup.callback(_stop, server)
        _say(f"        it answers at {url}")
        _say("2 of 5  making the account 'demo' and a key")
        key = _make_account(folder / "server")
        _say("3 of 5  logging this machine in, into a configuration of its own")
        _log_in(folder / "client", url, key)
        _say("4 of 5  training on 342 penguins with three learning rates, logging every step")
        address, problem = _train_and_compare()
        if problem:
            _say(f"5 of 5  read back, and it DIFFERS: {problem}")
            return 1
        _say("5 of 5  read back: equal to what was logged, value for value")
        if ends_by_itself:
            return 0
        _say("")
        _say(f"The runs: {address}")
        _say("A fourth one is being trained while you look. Sign in once (choose any password of 15 characters or more):")
        _say(f"          {_sign_in_link(folder / 'server', url)}")
        _say("To become the administrator instead:")
        _say(f"          {first_link}")
        _say("")
        _say("The server keeps running. Ctrl-C ends it and removes everything.")
        from runkey_server.demo import training

        # A polite SIGTERM ends it as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with training.keep_training():
                return server.wait()
        except KeyboardInterrupt:
            _say("\nStopping; everything is removed.")
            return 0


def _start_server(data: Path) -> tuple["subprocess.Popen[str]", str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RUNKEY_", "WANDB_"))}
    log = data.with_suffix(".log")
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "runkey_server", "serve", "--data", str(data), "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            # Ctrl-C is for this process, which stops the server when it has said goodbye.
            start_new_session=True,
        )
    assert server.stdout is not None
    url = link = ""
    for line in server.stdout:
        if " answers at " in line:
            url = line.split(" answers at ")[1].split()[0]
        if "/setup#" in line:
            link = line.strip()
            break
    if not url or not link:
        _stop(server)
        raise Error("unavailable", f"The server did not start. It said: {log.read_text()[-2000:]}")
    return server, url, link


def _make_account(data: Path) -> str:
    database = Database(Settings(data=data).sqlalchemy_url)
    pepper = secret_keys.load_or_make(data).pepper
    now = clock.now()
    with database.writing() as transaction:
        account = accounts.create_account(transaction, "demo", at=now)
        _, secret = keys.mint(transaction, pepper, account.id, kind="user", at=now, description="the demo")
    database.close()
    return secret


def _sign_in_link(data: Path, url: str) -> str:
    database = Database(Settings(data=data).sqlalchemy_url)
    with database.writing() as transaction:
        account = accounts.get_account(transaction, "demo")
        code = accounts.issue_link(transaction, accounts.SIGN_IN, at=clock.now(), account=account)
    database.close()
    return f"{url}/welcome#{code}"


def _log_in(config: Path, url: str, key: str) -> None:
    """Take the person's own settings out of this process before the client looks for any."""
    for name in [name for name in os.environ if name.startswith(("RUNKEY_", "WANDB_")) or name == "NETRC"]:
        del os.environ[name]
    os.environ["RUNKEY_CONFIG_DIR"] = str(config)
    os.environ["RUNKEY_DIR"] = str(config / "runs")
    os.environ["NETRC"] = str(config / "netrc")
    import runkey

    runkey.login(key=key, host=url)


def _train_and_compare() -> tuple[str, str | None]:
    from runkey_server.demo import training

    show_progress = training.ShowProgress(_write, is_terminal=sys.stdout.isatty())
    address = ""
    for learning_rate in training.LEARNING_RATES:
        run, logged = training.train_and_log(learning_rate, show_progress)
        address = run.project_url
        problem = _difference(_read_back(run), logged, training.config_of(learning_rate))
        if problem:
            return address, problem
    return address, None


def _read_back(run: Any) -> dict[str, Any]:
    from runkey import api, authentication

    credential = authentication.current_credential()
    assert credential is not None
    variables = {"entity": run.entity, "project": run.project, "run": run.id}
    found: dict[str, Any] = api.graphql(credential, _READ_BACK, variables)["project"]["run"]
    return found


def _difference(found: dict[str, Any], logged: list[dict[str, float]], config: dict[str, object]) -> str | None:
    """Say what differs between what is on the server and what was logged; None when nothing does."""
    rows = [json.loads(line) for line in found["history"]]
    kept = [{key: value for key, value in row.items() if not key.startswith("_")} for row in rows]
    if kept != logged:
        return f"{len(kept)} rows were kept of {len(logged)}, or their values differ"
    if [row["_step"] for row in rows] != list(range(len(logged))):
        return "the steps are not 0, 1, 2, …"
    # `_wandb` is the client's own part of it.
    if {key: entry["value"] for key, entry in json.loads(found["config"]).items() if key != "_wandb"} != config:
        return "the config differs"
    summary = json.loads(found["summaryMetrics"])
    if any(summary.get(key) != value for key, value in logged[-1].items()):
        return "the summary is not the last row"
    return None if found["state"] == "finished" else f"the run is {found['state']}"


def _stop(server: "subprocess.Popen[str]") -> None:
    if server.poll() is None:
        server.terminate()
        deadline = time.monotonic() + _START_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        if server.poll() is None:
            server.kill()
    server.wait()
    if server.stdout is not None:
        server.stdout.close()


def _say(text: str) -> None:
    print(text, flush=True)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
