"""A login that is cut short: by Ctrl-C, a full disk, its own time, an odd answer, another process. No key is left that nobody holds."""

import fcntl
import http.client
import json
import os
import re
import socket
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from answering import ANONYMOUS_KEY, DEVICE, KEY, MACHINE_KEY, METADATA, PROOF, REVOKE, TOKEN, Answering, Asked, Request, answering
from outside import BIN, Machine, Server
from surfing import Surfer
from terminals import FakeBrowser, Terminal, answer_redirect

pytestmark = pytest.mark.story

RUNKEY = str(BIN / "runkey")


@pytest.fixture
def odd() -> Iterator[Answering]:
    with answering() as started:
        yield started


def begin(machine: Machine, odd: Answering, *words: str, **extra: str) -> Terminal:
    terminal = Terminal(machine, RUNKEY, "login", "--host", odd.url, *words, **extra)
    terminal.expect("Enter your choice")
    terminal.type("\n")
    return terminal


def form(request: Request | Asked) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(request.body))


def ended(odd: Answering) -> list[str]:
    """The secrets that the server was asked to end."""
    ends = [form(request)["token"] for request in odd.asked(REVOKE)]
    return ends + [request.secret.removeprefix("Bearer ") for request in odd.asked("revokeApiKey") if request.secret]


def kept(machine: Machine) -> Path:
    return machine.home / ".config/runkey/credentials.json"


def is_stored(machine: Machine) -> bool:
    return kept(machine).is_file() and '"key": ' in kept(machine).read_text()


GIVEN = {"access_token": MACHINE_KEY, "account": "mira", "machine_id": "mac_1", "expires_in": 900}


def test_control_c_while_the_answer_is_under_way_ends_what_the_code_gave(odd: Answering, machine: Machine) -> None:
    asked, over = threading.Event(), threading.Event()

    def hold(request: Request) -> None:
        asked.set()
        over.wait(20)
        request.answer(200, GIVEN)

    odd.answers[TOKEN] = hold
    terminal = begin(machine, odd)
    assert asked.wait(15)
    terminal.type("\x03")
    assert terminal.end() == 130
    over.set()
    assert ended(odd) == ["the-device-code"]
    assert not is_stored(machine)


def test_a_key_that_cannot_be_kept_is_ended(odd: Answering, machine: Machine) -> None:
    def break_the_store(request: Request) -> None:
        kept(machine).unlink()
        kept(machine).symlink_to(os.devnull)
        request.answer(200, GIVEN)

    odd.answers[TOKEN] = break_the_store
    terminal = begin(machine, odd)
    # The file could be written to when the login began, and cannot be any more.
    assert terminal.end() in (2, 5)
    assert "is a link" in terminal.seen
    assert MACHINE_KEY in ended(odd)


def test_so_is_one_of_an_account_without_a_name(odd: Answering, machine: Machine) -> None:
    def break_the_store(request: Request) -> None:
        kept(machine).unlink()
        kept(machine).symlink_to(os.devnull)
        made = {"apiKey": {"id": "key_2", "name": ANONYMOUS_KEY}, "entity": {"name": "anon-1"}, "anonymousUntil": "2027-01-01T00:00:00Z"}
        links = {"dashboardUrl": f"{odd.url}/try#x", "claimUrl": f"{odd.url}/claim#x"}
        request.answer(200, {"data": {"createAnonymousEntity": made | links}})

    odd.answers["createAnonymousEntity"] = break_the_store
    done = machine.run(RUNKEY, "login", "--host", odd.url, "--anonymous")
    assert "is a link" in done.stderr
    assert ended(odd) == [ANONYMOUS_KEY]


@pytest.mark.parametrize(
    "answer",
    [
        GIVEN | {"expires_in": 10**400},
        GIVEN | {"expires_in": "soon"},
        GIVEN | {"account": "mira\nrunkey: hello"},
        GIVEN | {"machine_id": ["x"]},
        json.dumps(GIVEN).replace("900", "1e400").encode(),
    ],
)
def test_a_key_in_an_answer_that_is_none_is_ended(odd: Answering, machine: Machine, answer: object) -> None:
    odd.answers[TOKEN] = (200, answer)
    terminal = begin(machine, odd)
    assert terminal.end() == 4
    assert "Traceback" not in terminal.seen
    assert "does not answer as a runkey server does" in terminal.seen
    assert ended(odd)[0] == MACHINE_KEY
    assert not is_stored(machine)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_servers_own_keys_end_as_well(server: Server, machine: Machine, moment: str) -> None:
    """A real server, and a wire that is cut before or after the key was given."""
    mira = Surfer(server).sign_up(f"mira{moment}")
    reached, over = threading.Event(), threading.Event()
    with answering() as between:

        def pass_on(request: Request) -> None:
            if request.route == TOKEN and moment == "before":
                reached.set()
                over.wait(20)
                return
            status, body = forward(server, request)
            if request.route == TOKEN and status == 200:
                reached.set()
                over.wait(20)
            request.answer(status, body)

        for path in (PROOF, METADATA, DEVICE, TOKEN, REVOKE):
            between.answers[path] = pass_on
        terminal = begin(machine, between)
        terminal.expect("Waiting for your click")
        mira.approve(re.findall(r"code ([A-Z]{4}-[A-Z]{4})", terminal.seen)[-1])
        assert reached.wait(20)
        terminal.type("\x03")
        assert terminal.end() == 130
        over.set()
    keys = json.loads(server.operate("key", "list", "--user", f"mira{moment}", "--json"))["keys"]
    assert [key["state"] for key in keys] == (["revoked"] if moment == "after" else [])
    assert not is_stored(machine)


def forward(server: Server, request: Request) -> tuple[int, bytes]:
    """Pass a request on to the real server; give its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlsplit(server.url).port, timeout=60)
    named = ("content-type", "prefer", "authorization")
    headers = {name: request.headers[name] for name in named if request.headers[name]}
    connection.request(request.command, request.path, request.body.encode(), headers | {"Host": urllib.parse.urlsplit(server.url).netloc})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


# --- the redirect ---------------------------------------------------------------------------------------------------------


class Redirect:
    """A login with a browser beside it, which comes back with a code; what the token endpoint does with it is told by a list of acts."""

    def __init__(self, odd: Answering, machine: Machine, *acts: str) -> None:
        self.codes: list[str] = []
        self.asked, self.over, self.approved = threading.Event(), threading.Event(), threading.Event()
        waiting = list(acts)

        def token(request: Request) -> None:
            sent = form(request)
            if sent["grant_type"] != "authorization_code":
                if self.approved.is_set():
                    request.answer(200, GIVEN)
                else:
                    request.answer(400, {"error": "authorization_pending"})
                return
            self.codes.append(sent["code"])
            act = waiting.pop(0)
            if act == "lose":
                request.connection.shutdown(socket.SHUT_RDWR)
            elif act == "hold":
                self.asked.set()
                self.over.wait(20)
                request.connection.shutdown(socket.SHUT_RDWR)
            elif act == "give":
                request.answer(200, GIVEN)
            else:
                request.answer(400, {"error": act})

        odd.answers[TOKEN] = token
        fake = FakeBrowser(machine)
        self.terminal = begin(machine, odd, **fake.variables)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(fake.address()).query))
        back = urllib.parse.urlencode({"code": "c1", "state": query["state"], "iss": odd.url})
        assert answer_redirect(f"{query['redirect_uri']}?{back}") == 303


def test_an_answer_that_is_lost_is_asked_for_again(odd: Answering, machine: Machine) -> None:
    login = Redirect(odd, machine, "lose", "give")
    assert login.terminal.end() == 0
    assert "Logged in as mira" in login.terminal.seen
    assert login.codes == ["c1", "c1"]
    assert ended(odd) == ["the-device-code"], "the other way is closed, and nothing else"


@pytest.mark.parametrize("acts", [("lose", "invalid_grant"), ("lose", "lose"), ("invalid_grant",)])
def test_what_came_back_and_was_not_taken_is_told_and_the_other_way_goes_on(
    odd: Answering, machine: Machine, acts: tuple[str, ...]
) -> None:
    login = Redirect(odd, machine, *acts)
    login.terminal.expect("was not taken")
    login.terminal.expect(f"Open this address instead: {odd.url}/device")
    login.approved.set()
    assert login.terminal.end() == 0
    assert "Logged in as mira" in login.terminal.seen


def test_control_c_while_the_code_is_changed_ends_what_it_gave(odd: Answering, machine: Machine) -> None:
    login = Redirect(odd, machine, "hold")
    assert login.asked.wait(15)
    login.terminal.type("\x03")
    assert login.terminal.end() == 130
    login.over.set()
    # A server ends what a code gave with the code itself.
    assert set(ended(odd)) == {"c1", "the-device-code"}
    assert not is_stored(machine)


# --- time -----------------------------------------------------------------------------------------------------------------


@contextmanager
def silent_for(seconds: float) -> Iterator[str]:
    """A server that takes connections and says nothing; after a while it hangs up, which is another failure than a time-out."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            held = []
            listener.settimeout(0.1)
            while not stop.is_set():
                try:
                    held.append(listener.accept()[0])
                except TimeoutError:
                    continue
                threading.Timer(seconds, held[-1].close).start()
            for connection in held:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize("words", [["--key-stdin"], ["--anonymous"]])
def test_a_server_that_says_nothing_is_given_up_before_it_hangs_up(machine: Machine, words: list[str]) -> None:
    with silent_for(6.0) as url:
        done = machine.run(RUNKEY, "login", "--host", url, "--json", *words, stdin=KEY)
    assert done.returncode == 7, done.stderr
    assert json.loads(done.stdout)["error"]["layer"] == "timeout"


TIMED = """
import runkey, sys
try:
    print("RESULT", runkey.login(key=sys.argv[1], host=sys.argv[2], timeout=1, force=sys.argv[3] == "force"))
    print("THEN", runkey.login())
except runkey.ConnectionFailed as failed:
    print("FAILED", failed.layer, failed)
"""


@pytest.mark.parametrize("insists", [False, True])
def test_the_time_of_a_login_is_the_networks_too(machine: Machine, insists: bool) -> None:
    with silent_for(6.0) as url:
        done = machine.python(TIMED, KEY, url, "force" if insists else "")
    if insists:
        assert "FAILED timeout" in done.stdout
        assert "The time given for logging in is over" in done.stdout
    else:
        assert "RESULT False" in done.stdout, done.stderr
        assert "THEN False" in done.stdout, "this process stays offline"
        assert "Warning: Logging in did not come to an end within 1 seconds" in done.stderr
    assert not is_stored(machine)


@pytest.mark.parametrize("path", [PROOF, METADATA, DEVICE, "query Viewer", "createAnonymousEntity"])
def test_no_answer_outlasts_the_time(odd: Answering, machine: Machine, path: str) -> None:
    over = threading.Event()
    odd.answers[path] = lambda request: [over.wait(12), request.answer(503, {"error": "too late"})][0]
    words = {"query Viewer": ["--key-stdin"], "createAnonymousEntity": ["--anonymous"]}.get(path)
    if words is not None:
        done = machine.run(RUNKEY, "login", "--host", odd.url, "--timeout", "2", *words, stdin=KEY)
        status, seen = done.returncode, done.stderr
    else:
        terminal = Terminal(machine, RUNKEY, "login", "--host", odd.url, "--timeout", "2")
        if path == DEVICE:
            terminal.expect("Enter your choice")
            terminal.type("\n")
        status = terminal.end()
        seen = terminal.seen
    over.set()
    assert status == 7, seen
    assert "The time given for logging in is over" in seen


# --- another process ------------------------------------------------------------------------------------------------------


@contextmanager
def asking_elsewhere(machine: Machine) -> Iterator[None]:
    """Another process of this machine that is asking a person."""
    folder = kept(machine).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / ".asking.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def test_waiting_for_another_process_has_an_end(odd: Answering, machine: Machine) -> None:
    with asking_elsewhere(machine):
        terminal = Terminal(machine, RUNKEY, "login", "--host", odd.url, "--timeout", "1")
        terminal.expect("Another login on this machine is under way")
        assert terminal.end() == 3
        assert "Nobody answered within 1 seconds" in terminal.seen
        script = f"import runkey; print('RESULT', runkey.login(host={odd.url!r}, timeout=1))"
        terminal = Terminal(machine, sys.executable, "-c", script)
        assert terminal.end() == 0
        assert "RESULT False" in terminal.seen


@pytest.mark.parametrize("expected", ["mira", "eve"])
def test_what_another_process_stored_is_taken_over_only_if_it_is_the_one_expected(server: Server, machine: Machine, expected: str) -> None:
    key = server.key("eve")
    with asking_elsewhere(machine):
        terminal = Terminal(machine, RUNKEY, "login", "--host", server.url, "--expect-user", expected)
        terminal.expect("Another login on this machine is under way")
        assert machine.run(RUNKEY, "login", "--host", server.url, "--key-stdin", stdin=key).returncode == 0
    status = terminal.end()
    if expected == "eve":
        assert status == 0
        assert "Logged in as eve" in terminal.seen
    else:
        assert status == 4
        assert "The account mira was expected, but this is the account eve" in terminal.seen
        assert "Logged in" not in terminal.seen


@pytest.mark.parametrize("word", ["must", "allow"])
def test_eight_at_once_make_one_account(server: Server, machine: Machine, word: str) -> None:
    script = f"""
import multiprocessing, runkey
def work(number):
    held = runkey.login(anonymous={word!r}, host={server.url!r})
    from runkey.authentication import current_credential
    return held, current_credential().account
with multiprocessing.get_context("spawn").Pool(8) as pool:
    print(sorted(set(pool.map(work, range(8), chunksize=1))))
"""
    script = script.replace("with multi", "if __name__ == '__main__':\n  with multi").replace("    print(sorted", "      print(sorted")
    done = machine.python(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("anon-") == 1, done.stdout
    assert "True" in done.stdout
