"""What the commands say: to wrong words, to who gives no answer, to a machine that is not logged in; as sentences and as JSON."""

import json
import subprocess
from pathlib import Path

import pytest
from outside import BIN, Machine, Server
from surfing import Surfer
from terminals import Terminal

pytestmark = pytest.mark.story

RUNKEY = str(BIN / "runkey")
COMMANDS = ("login", "logout", "status", "exec", "claim", "switch", "profiles", "machines", "keys")


def runkey(machine: Machine, *words: str, stdin: str | None = "", **extra: str) -> "subprocess.CompletedProcess[str]":
    return machine.run(RUNKEY, *words, stdin=stdin, **extra)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("login", "--nonsense"), "Unrecognized arguments: --nonsense. See: runkey login --help"),
        (("login", "--timeout", "0"), "Argument --timeout: give a number of seconds above 0. See: runkey login --help"),
        (("login", "--timeout", "soon"), "Argument --timeout: give a number of seconds above 0. See: runkey login --help"),
        (("login", "--rel"), "Unrecognized arguments: --rel. See: runkey login --help"),
        (("login", "--key", "abc"), "Unrecognized arguments: --key. A key is given by --key-stdin or --key-file."),
        (("login", "--anonymous", "--expect-user", "mira"), "An account without a name has no key to give and no user to expect"),
        (("login", "--anonymous", "--key-stdin"), "An account without a name has no key to give and no user to expect"),
        (("keys",), "The following arguments are required: list|create|rotate|revoke. See: runkey keys --help"),
        (("machines", "rename", "mac_x"), "The following arguments are required: NAME. See: runkey machines rename --help"),
        (("whoami",), "There is no command 'whoami'. Did you mean status? See: runkey --help"),
        (("logn",), "There is no command 'logn'. Did you mean login? See: runkey --help"),
        (("frobnicate",), "There is no command 'frobnicate'. See: runkey --help"),
    ],
)
def test_wrong_words_get_one_sentence(machine: Machine, words: tuple[str, ...], sentence: str) -> None:
    done = runkey(machine, *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"runkey: {sentence}")
    assert done.stderr.count("\n") == 1


def test_wrong_words_are_told_as_json_where_json_was_asked_for(machine: Machine) -> None:
    done = runkey(machine, "login", "--json", "--nonsense")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == {
        "type": "UsageError",
        "message": "Unrecognized arguments: --nonsense. See: runkey login --help",
    }
    assert done.stderr == ""


def test_a_key_in_the_wrong_place_is_not_repeated(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    for words in (("login", "one", key), ("login", f"--key={key}"), ("status", key), ("login", "--store", key)):
        done = runkey(machine, *words)
        assert done.returncode == 2
        assert key not in done.stderr


def test_every_command_and_act_helps_with_an_example(machine: Machine) -> None:
    acts = [("keys", act) for act in ("list", "create", "rotate", "revoke")] + [("machines", act) for act in ("list", "revoke", "rename")]
    for words in [(command,) for command in COMMANDS] + acts:
        done = runkey(machine, *words, "--help")
        assert done.returncode == 0
        assert f"Example: runkey {' '.join(words)}" in done.stdout or len(words) == 1, done.stdout
        assert "Example: runkey" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 100
    assert runkey(machine, "help", "keys").stdout == runkey(machine, "keys", "--help").stdout
    assert max(map(len, runkey(machine, "login", "--help", COLUMNS="60").stdout.splitlines())) <= 72


def test_a_machine_that_is_not_logged_in_hears_what_to_do(server: Server, machine: Machine) -> None:
    for words in (("status",), ("exec", "--", "true"), ("keys", "list"), ("machines", "list"), ("profiles",), ("switch", "x")):
        done = runkey(machine, *words)
        assert done.returncode == 3
        assert done.stderr == "runkey: This machine is not logged in anywhere. Log in: runkey login --host URL\n"
    done = runkey(machine, "exec", "--host", server.url, "--", "true")
    assert done.stderr == f"runkey: This machine is not logged in to {server.url}. Log in: runkey login --host {server.url}\n"
    done = runkey(machine, "status", RUNKEY_API_KEY=server.key("mira"))
    assert done.returncode == 3
    assert "RUNKEY_API_KEY is set, but no server is named that its key is for. Set RUNKEY_HOST" in done.stderr
    assert "There is no profile 'nope': nothing to forget." in runkey(machine, "logout", "--profile", "nope").stderr
    assert "not logged in anywhere: nothing to forget." in runkey(machine, "logout").stderr
    assert "RUNKEY_API_KEY logs this environment in: unset it." in runkey(machine, "logout", RUNKEY_API_KEY=server.key("mira")).stderr
    assert "There is nothing to claim" in runkey(machine, "claim").stderr


def test_status_says_who_where_and_by_what(server: Server, machine: Machine) -> None:
    assert runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=server.key("mira")).returncode == 0
    lines = runkey(machine, "status").stdout.splitlines()
    assert lines[0] == f"Logged in as mira on {server.url}"
    assert [line.split()[0] for line in lines[1:]] == ["server", "key", "machine", "checked"]
    assert "from ~/.config/runkey/credentials.json" in lines[2]
    assert lines[4].endswith("just now")
    assert runkey(machine, "login", "--anonymous", "--profile", "try", "--host", server.url).returncode == 0
    told = runkey(machine, "status", "--profile", "try").stdout
    assert told.startswith("Logging without an account, as anon-")
    assert told.endswith("Make it yours: runkey claim\n")
    assert "never; ask the server now with --check" in told


def test_choosing_a_login_shows_which_one_counts_now(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    for profile in ("one", "two"):
        assert runkey(machine, "login", "--host", server.url, "--profile", profile, "--key-stdin", stdin=key).returncode == 0
    assert runkey(machine, "switch", "two").returncode == 0
    terminal = Terminal(machine, RUNKEY, "switch")
    terminal.expect(f"(1) one: mira on {server.url}\r\n")
    terminal.expect(f"(2) two: mira on {server.url} (now)\r\n")
    terminal.type("1\n")
    assert terminal.end() == 0
    assert f"The profile one counts from now on: mira on {server.url}." in terminal.seen
    done = runkey(machine, "logout", "--profile", "two")
    assert "The profile one has the same key, which ends with it. Log in again: runkey login --profile one --relogin" in done.stderr


def test_a_new_profile_asks_for_its_server(server: Server, machine: Machine) -> None:
    key = server.key("mira")
    assert runkey(machine, "login", "--host", server.url, "--key-stdin", stdin=key).returncode == 0
    done = runkey(machine, "login", "--profile", "work", "--key-stdin", stdin=key)
    assert done.returncode == 2
    assert done.stderr == "runkey: There is no profile 'work' yet. Name its server: runkey login --profile work --host URL\n"
    terminal = Terminal(machine, RUNKEY, "login", "--profile", "work")
    terminal.expect(f"Server [{server.url}]: ")
    terminal.type("\n")
    terminal.expect(f"Logging in to {server.url}.")
    terminal.expect("Enter your choice")
    terminal.type("2\n")
    terminal.expect("Paste the API key")
    terminal.type(key + "\n")
    assert terminal.end() == 0, terminal.seen
    assert "* work" in runkey(machine, "profiles").stdout


def test_questions_without_an_answer_end_their_line(server: Server, machine: Machine) -> None:
    terminal = Terminal(machine, RUNKEY, "login")
    terminal.expect("Server (for example https://track.example.org): ")
    terminal.type("\n")
    terminal.expect("Type the address of the server that the data goes to, or leave with Ctrl-C.")
    terminal.type("\x04")
    assert terminal.end() == 3
    assert "\r\nrunkey: Nobody named a server." in terminal.seen
    terminal = Terminal(machine, RUNKEY, "login", "--host", server.url)
    terminal.expect("Enter your choice [1]: ")
    terminal.type("\x04")
    assert terminal.end() == 3
    assert "\r\nrunkey: The input ended before a key was given. Nothing was stored." in terminal.seen
    terminal = Terminal(machine, RUNKEY, "login", "--host", server.url, "--timeout", "1")
    assert terminal.end() == 3
    assert "\r\nrunkey: Nobody answered within 1 seconds. Nothing was stored." in terminal.seen


def test_who_expects_a_user_is_not_offered_an_account_without_a_name(server: Server, machine: Machine) -> None:
    terminal = Terminal(machine, RUNKEY, "login", "--host", server.url, "--expect-user", "mira")
    terminal.expect("Enter your choice")
    assert "(2) Paste an API key" in terminal.seen
    assert "without an account" not in terminal.seen
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "Left; nothing was stored." in terminal.seen


def test_what_a_machines_key_may_not_do_is_said_with_the_page_that_can(server: Server, machine: Machine) -> None:
    mira = Surfer(server).sign_up("nell")
    terminal = Terminal(machine, RUNKEY, "login", "--host", server.url)
    terminal.expect("Enter your choice")
    terminal.type("1\n")
    terminal.expect("Waiting for your click")
    mira.approve(terminal.seen.partition("user_code=")[2][:9])
    assert terminal.end() == 0
    listed = runkey(machine, "machines", "list").stdout
    assert "seen just now" in listed
    assert "in use here" in runkey(machine, "keys", "list").stdout
    refused = runkey(machine, "machines", "rename", listed.split()[0], "better")
    assert refused.returncode == 4
    assert f"{server.url}/settings/machines" in refused.stderr
    refused = runkey(machine, "keys", "create")
    assert refused.returncode == 4
    assert f"{server.url}/settings/keys" in refused.stderr


def operate(data: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(BIN / "runkey-server"), *words, "--data", str(data)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def test_the_servers_commands_answer_wrong_words_and_silence_in_a_sentence(server: Server) -> None:
    server.key("zoe")
    done = operate(server.data, "user", "delete", "zoe")
    assert done.returncode == 2
    assert "The input ended before the question was answered. Nothing was changed." in done.stderr
    assert "Traceback" not in done.stderr
    assert "zoe" in server.operate("user", "list")
    done = operate(server.data, "key", "create")
    assert done.returncode == 2
    assert done.stderr == "runkey-server: The following arguments are required: --user. See: runkey-server key create --help\n"
    done = operate(server.data, "key", "create", "--user", "zoe", "--days", "3")
    assert done.returncode == 0
    assert "00:00" not in done.stderr
