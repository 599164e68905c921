"""Logging without an account, and claiming it: from the terminal, from a script, by a link; once, and with a run under way."""

import json
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clients import environments
from outside import BIN, Machine, Server, eventually, start_server
from surfing import PASSWORD, Surfer
from terminals import Terminal

pytestmark = pytest.mark.story

RUNKEY = str(BIN / "runkey")
LOG_SOMETHING = "import runkey\nrun = runkey.init(project='tried')\nrun.log({'loss': 1})\nrun.finish()\nprint('RESULT', run.entity)"


def runkey(machine: Machine, *words: str, stdin: str | None = "", **extra: str) -> "subprocess.CompletedProcess[str]":
    return machine.run(RUNKEY, *words, stdin=stdin, **extra)


def entries(machine: Machine) -> dict[str, dict]:
    return json.loads((machine.home / ".config/runkey/credentials.json").read_text())["entries"]


def test_from_the_menu_to_a_chart_to_an_account(server: Server, machine: Machine) -> None:
    terminal = Terminal(machine, RUNKEY, "login", "--host", server.url)
    terminal.expect("(3) Try it without an account")
    terminal.expect("Enter your choice")
    terminal.type("3\n")
    assert terminal.end() == 0, terminal.seen
    assert "Logging without an account, as anon-" in terminal.seen
    link = re.search(r"(http://\S+/try#\S+)", terminal.seen).group(1)
    done = machine.python(LOG_SOMETHING)
    assert "RESULT anon-" in done.stdout, done.stderr
    entity = done.stdout.split()[-1]
    visitor = Surfer(server)
    opened = visitor.post("/try", code=link.partition("#")[2])
    assert opened.location == f"/{entity}"
    shown = visitor.get(f"/{entity}").text
    assert "tried" in shown
    assert "1 of 100 runs" in shown
    assert visitor.get("/settings/keys").status == 403
    # A person who types `runkey login` is asked for a name; the account without one stays beside it.
    mira = Surfer(server).sign_up("mira")
    terminal = Terminal(machine, RUNKEY, "login")
    terminal.expect("Enter your choice")
    terminal.type("1\n")
    terminal.expect("Waiting for your click")
    mira.approve(re.findall(r"code ([A-Z]{4}-[A-Z]{4})", terminal.seen)[-1])
    assert terminal.end() == 0
    assert len(entries(machine)) == 2
    done = runkey(machine, "claim")
    assert done.returncode == 0, done.stderr
    assert f"1 run of {entity} moved to mira" in done.stderr
    assert len(entries(machine)) == 1
    home = mira.get("/").text
    assert "tried" in home
    assert f"1 run of {entity} moved to your account" in home
    assert mira.get("/mira/tried").status == 200
    # Its pages are closed, its link opens nothing any more.
    assert visitor.get(f"/{entity}").status != 200
    assert visitor.post("/try", code=link.partition("#")[2]).status == 400
    assert runkey(machine, "claim").returncode == 3


def test_scripts_need_no_person(server: Server, machine: Machine) -> None:
    script = f"""
import runkey
print("RESULT", runkey.login("must", host={server.url!r}))
print("RESULT", runkey.login("must", host={server.url!r}))
"""
    done = machine.python(script)
    assert done.stdout.count("RESULT True") == 2, done.stderr
    name = next(iter(entries(machine).values()))["account"]
    again = machine.python(script)
    assert again.returncode == 0
    assert [entry["account"] for entry in entries(machine).values()] == [name], "it is reused"
    other = Machine(machine.home / "other")
    other.home.mkdir()
    allowed = other.python(LOG_SOMETHING, RUNKEY_HOST=server.url, RUNKEY_ANONYMOUS="allow")
    assert "RESULT anon-" in allowed.stdout, allowed.stderr
    third = Machine(machine.home / "third")
    third.home.mkdir()
    never = third.python(f"import runkey\nrunkey.login('never', host={server.url!r})")
    assert "NotLoggedIn" in never.stderr


def test_it_stands_beside_a_real_login_and_never_in_its_place(server: Server, machine: Machine) -> None:
    assert runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=server.key("nora")).returncode == 0
    assert runkey(machine, "login", "--anonymous").returncode == 0
    assert len(entries(machine)) == 2
    assert json.loads(runkey(machine, "status", "--json").stdout)["account"] == "nora"
    done = machine.python(LOG_SOMETHING.replace("runkey\nrun", "runkey\nrunkey.login('must')\nrun"))
    assert "RESULT anon-" in done.stdout
    assert "RESULT nora" in machine.python(LOG_SOMETHING).stdout
    # Logging in again under a name does not touch it.
    assert runkey(machine, "login", "--relogin", "--key-stdin", stdin=server.key("nora")).returncode == 0
    assert len(entries(machine)) == 2


def test_a_run_under_way_goes_on_in_the_account_that_claimed_it(server: Server, machine: Machine) -> None:
    script = """
import pathlib, time, runkey
runkey.login("must")
run = runkey.init(project="moving", id="m1")
run.log({"a": 0})
pathlib.Path("begun").write_text("")
step = 0
while not pathlib.Path("enough").exists():
    step += 1
    run.log({"a": step})
    time.sleep(0.05)
run.finish()
print("RESULT", step)
"""
    (machine.home / "train.py").write_text(script)
    training = subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=machine.home,
        env=machine.environment | {"RUNKEY_HOST": server.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually((machine.home / "begun").exists, 20)
    key = next(iter(entries(machine).values()))["key"]
    olga = server.key("olga")
    assert runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=olga).returncode == 0
    assert runkey(machine, "claim").returncode == 0
    # The old key opens no run any more, and its account has no pages; what is under way writes on.
    eventually(lambda: server.post("/graphql", {"query": "{ viewer { username } }"}, key)[0] == 401)
    (machine.home / "enough").write_text("")
    out, errors = training.communicate(timeout=60)
    assert "RESULT" in out, errors
    steps = int(out.split()[-1])
    assert f"{steps + 1} rows are on the server" in errors
    query = '{ project(name: "moving", entityName: "olga") { run(name: "m1") { historyLineCount state } } }'
    run = json.loads(server.post("/graphql", {"query": query}, olga)[1])["data"]["project"]["run"]
    assert run == {"historyLineCount": steps + 1, "state": "finished"}


def test_a_run_whose_old_key_is_refused_finds_the_account_that_claimed_it(server: Server, machine: Machine) -> None:
    script = """
import pathlib, time, runkey
runkey.login("must")
run = runkey.init(project="cured", id="c1")
run.log({"a": 0})
pathlib.Path("begun").write_text("")
while not pathlib.Path("enough").exists():
    time.sleep(0.05)
run.log({"a": 1})
run.finish()
"""
    (machine.home / "train.py").write_text(script)
    training = subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=machine.home,
        env=machine.environment | {"RUNKEY_HOST": server.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually((machine.home / "begun").exists, 20)
    pia = Surfer(server).sign_up("pia")
    address = runkey(machine, "claim", "--link").stdout.strip()
    assert address.startswith(f"{server.url}/claim#")
    assert pia.post("/claim", code=address.partition("#")[2]).location == "/"
    key_id = next(iter(entries(machine).values()))["key_id"]
    server.operate("key", "revoke", key_id)
    assert runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=server.key("pia")).returncode == 0
    (machine.home / "enough").write_text("")
    _, errors = training.communicate(timeout=90)
    assert "2 rows are on the server" in errors, errors


def anonymous_key(server: Server) -> tuple[str, str, str]:
    """Have an account made; give its key, its name and its claim code."""
    query = "mutation { createAnonymousEntity(input: {}) { apiKey { name } entity { name } claimUrl } }"
    status, body = server.post("/graphql", {"query": query})
    assert status == 200, body
    made = json.loads(body)["data"]["createAnonymousEntity"]
    return made["apiKey"]["name"], made["entity"]["name"], made["claimUrl"].partition("#")[2]


CLAIM = "mutation C($code: String!) { claimRuns(input: {code: $code}) { entity projects runCount } }"
UPSERT = "mutation U($p: String, $n: String) { upsertBucket(input: {modelName: $p, name: $n}) { inserted } }"


def test_of_twenty_claims_at_once_exactly_one_wins(server: Server) -> None:
    key, entity, code = anonymous_key(server)
    for name in ("a", "b"):
        server.post("/graphql", {"query": UPSERT, "variables": {"p": "shared", "n": name}}, key)
    claimants = [server.key(f"claimant{index}") for index in range(4)]
    # One of them has a project of that name already.
    server.post("/graphql", {"query": UPSERT, "variables": {"p": "shared", "n": "own"}}, claimants[0])
    barrier = threading.Barrier(20)

    def try_once(index: int) -> dict:
        barrier.wait()
        status, body = server.post("/graphql", {"query": CLAIM, "variables": {"code": code}}, claimants[index % 4])
        assert status == 200
        return json.loads(body)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(try_once, range(20)))
    won = [each["data"]["claimRuns"] for each in answers if not each.get("errors")]
    assert len(won) == 1
    assert won[0]["entity"] == entity
    assert won[0]["runCount"] == 2
    count = "{ viewer { claimedEntities } models(first: 9) { edges { node { name runCount } } } }"
    seen = [json.loads(server.post("/graphql", {"query": count}, claimant)[1])["data"] for claimant in claimants]
    assert sorted(len(each["viewer"]["claimedEntities"]) for each in seen) == [0, 0, 0, 1]
    runs = [edge["node"]["runCount"] for each in seen for edge in each["models"]["edges"]]
    assert sorted(runs) == [1, 2]


def test_caps_are_held(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", "--anonymous-limits", "2,1,14")
    key, entity, _ = anonymous_key(server)
    answers = [json.loads(server.post("/graphql", {"query": UPSERT, "variables": {"p": "p", "n": n}}, key)[1]) for n in ("a", "b", "c")]
    assert [bool(each.get("errors")) for each in answers] == [False, False, True]
    assert "at most 2 runs" in answers[2]["errors"][0]["message"]
    row = json.dumps({"_step": 0, "words": "x" * 300_000})
    sent = [
        server.post(f"/files/{entity}/p/a/file_stream", {"files": {"wandb-history.jsonl": {"offset": i, "content": [row]}}}, key)[0]
        for i in range(5)
    ]
    assert sent == [200, 200, 200, 403, 403]
    server.stop()


def test_where_others_reach_the_server_nobody_logs_without_an_account(tmp_path: Path, machine: Machine) -> None:
    server = start_server(tmp_path / "data", "--no-allow-anonymous")
    query = "mutation { createAnonymousEntity(input: {}) { apiKey { name } } }"
    answer = json.loads(server.post("/graphql", {"query": query})[1])
    assert "makes no accounts without a name" in answer["errors"][0]["message"]
    done = runkey(machine, "login", "--host", server.url, "--anonymous")
    assert done.returncode == 4
    terminal = Terminal(machine, RUNKEY, "login", "--host", server.url)
    terminal.expect("Enter your choice")
    assert "without an account" not in terminal.seen
    terminal.type("\x03")
    assert terminal.end() == 130
    server.stop()


def test_claiming_needs_the_password_of_whoever_is_not_signed_in(server: Server) -> None:
    _, _, code = anonymous_key(server)
    Surfer(server).sign_up("quinn")
    visitor = Surfer(server)
    assert "Your password" in visitor.get("/claim").text
    wrong = visitor.post("/claim", code=code, name="quinn", password="not this one at all")
    assert wrong.status == 403
    assert code in wrong.body, "the code is not lost by a typing mistake"
    assert visitor.post("/claim", code=code, name="quinn", password=PASSWORD).location == "/"
    assert visitor.post("/claim", code=code).status == 400


def test_an_official_client_from_before_0_23_logs_without_an_account(server: Server, machine: Machine) -> None:
    (machine.home / "train.py").write_text(
        'import wandb\nwandb.login(anonymous="must")\nrun = wandb.init(project="old", anonymous="must")\n'
        'for i in range(5):\n    run.log({"a": i})\nprint("RESULT", run.entity, run.get_url())\nrun.finish()\n'
    )
    done = machine.run(str(environments.need("0.19.11")), "train.py", WANDB_BASE_URL=server.url)
    assert "RESULT anon-" in done.stdout, done.stderr
    entity, url = re.search(r"RESULT (\S+) (\S+)", done.stdout).groups()
    # The link that it shows holds the key; it opens the run after a click.
    visitor = Surfer(server)
    path = url.removeprefix(server.url)
    key = path.partition("apiKey=")[2]
    opened = visitor.post("/try", at=path, code=key, next=path.partition("?")[0])
    assert opened.location == path.partition("?")[0]
    assert "a 4" in visitor.get(opened.location + "?plain").text
    assert key not in server.log.read_text()
    # Claimed from another machine, by a link made with its key.
    claimed = runkey(machine, "claim", "--host", server.url, RUNKEY_API_KEY=key)
    assert f"{server.url}/claim#" in claimed.stdout, claimed.stderr
    rosa = Surfer(server).sign_up("rosa")
    rosa.post("/claim", code=claimed.stdout.strip().partition("#")[2])
    assert "a 4" in rosa.get(path.partition("?")[0].replace(entity, "rosa") + "?plain").text
