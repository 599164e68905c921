"""What answers is not what it should be: another server at the address, one that proves nothing, one that says odd things."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from answering import ANONYMOUS_KEY, KEY, KEY_SHOWN, PROOF, VIEWER, Answering, Request, answering
from outside import Machine

pytestmark = pytest.mark.story


@pytest.fixture
def odd() -> Iterator[Answering]:
    with answering() as started:
        yield started


def log_in(machine: Machine, odd: Answering) -> Path:
    """Log in while the server still behaves; give the file of what was stored."""
    done = machine.run("runkey", "login", "--host", odd.url, "--key-stdin", stdin=KEY)
    assert done.returncode == 0, done.stderr
    odd.requests.clear()
    return machine.home / ".config/runkey/credentials.json"


# --- proving --------------------------------------------------------------------------------------------------------------

RUN = "import runkey\nprint(runkey.login())\nrun = runkey.init(project='p', id='r1')\nrun.log({'a': 1})\nrun.finish()\n"


@pytest.mark.parametrize("source", ["stored", "variable"])
def test_a_server_that_would_not_prove_itself_gets_no_key(odd: Answering, machine: Machine, source: str) -> None:
    log_in(machine, odd)
    more = {"RUNKEY_API_KEY": KEY} if source == "variable" else {}
    odd.answers[PROOF] = (503, {"error": "later"})
    done = machine.python(RUN, RUNKEY_HOST=odd.url, **more)
    assert "True" in done.stdout, "no answer is no refusal"
    assert "ServerError" in done.stderr, "but a run cannot begin"
    assert [request.route for request in odd.requests if request.secret] == []


@pytest.mark.parametrize("source", ["stored", "variable"])
def test_nor_does_another_one_that_proves_itself_a_moment_later(odd: Answering, machine: Machine, source: str) -> None:
    log_in(machine, odd)
    more = {"RUNKEY_API_KEY": KEY} if source == "variable" else {}
    with answering() as other:
        times = iter([503, 503])

        def prove_late(request: Request) -> None:
            status = next(times, None)
            request.answer(*((status, {"error": "later"}) if status else other.usual(request)))

        odd.answers[PROOF] = prove_late
        done = machine.python(RUN, RUNKEY_HOST=odd.url, **more)
    assert "WrongServer" in done.stderr
    assert "is another server than the one you logged in to" in done.stderr
    assert [request.route for request in odd.requests if request.secret] == []


def test_one_that_proves_itself_at_last_gets_the_run(odd: Answering, machine: Machine) -> None:
    log_in(machine, odd)
    times = iter([503])

    def prove_late(request: Request) -> None:
        status = next(times, None)
        request.answer(*((status, {"error": "later"}) if status else odd.usual(request)))

    odd.answers[PROOF] = prove_late
    done = machine.python(RUN, RUNKEY_HOST=odd.url)
    assert done.returncode == 0, done.stderr
    assert odd.asked("/files/mira/p/r1/file_stream")


# --- answers that are none ------------------------------------------------------------------------------------------------

ESCAPES = "\x1b]0;owned\x07\x1b[2J"


def viewer(**more: object) -> dict[str, object]:
    return {"data": {"viewer": VIEWER | more}}


def check_it_was_told(done: "subprocess.CompletedProcess[str]", status: int = 4) -> None:
    """One sentence, the exit code of a server that answers wrongly, and nothing that a terminal acts on."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("runkey: ")
    assert not [c for c in done.stdout + done.stderr if not c.isprintable() and c != "\n"]


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"viewer": "x"}},
        {"data": []},
        [],
        viewer(currentApiKey="x"),
        viewer(currentApiKey=KEY_SHOWN | {"createdAt": [1]}),
        viewer(currentApiKey=KEY_SHOWN | {"expiresAt": 5}),
        viewer(currentApiKey=KEY_SHOWN | {"id": 1}),
        viewer(claimedEntities=5),
        viewer(claimedEntities=[["x"]]),
        viewer(username={"a": 1}),
        viewer(username=None),
        viewer(username="mira\nrunkey: Logged in as root"),
        viewer(username=ESCAPES),
        viewer(username="m" * 100_000),
        {"errors": ["boom"]},
        {"errors": "boom"},
        {"errors": [{"message": ESCAPES, "extensions": "s"}]},
        {"errors": [{"message": "x\nrunkey: y", "extensions": {"code": ["FORBIDDEN"]}}]},
        b"[" * 100_000,
        b'{"data": {"viewer": {"username": 1e400}}}',
    ],
)
def test_an_answer_that_is_none_is_told_and_nothing_is_stored(odd: Answering, machine: Machine, answer: object) -> None:
    odd.answers["query Viewer"] = (200, answer)
    done = machine.run("runkey", "login", "--host", odd.url, "--key-stdin", stdin=KEY)
    check_it_was_told(done)
    # Where tests run in a container, login warns of that first.
    told = [line for line in done.stderr.splitlines() if "This is a container" not in line]
    assert len(told) == 1, "nothing that was answered began a line of its own"
    assert not stored_key(machine)


@pytest.mark.parametrize("answer", [{"data": {"revokeApiKey": None}}, {"data": {"revokeApiKey": {"apiKey": 1}}}, {"errors": ["x"]}, []])
def test_logout_forgets_whatever_is_answered_and_says_what_is_owed(odd: Answering, machine: Machine, answer: object) -> None:
    log_in(machine, odd)
    odd.answers["revokeApiKey"] = (200, answer)
    done = machine.run("runkey", "logout")
    assert done.returncode == 0, done.stderr
    assert "was forgotten here, but not revoked" in done.stderr
    assert machine.run("runkey", "status").returncode == 3


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["keys", "list"], {"apiKeys": {"data": {"viewer": None}}}),
        (["keys", "list"], {"apiKeys": {"data": {"viewer": {"apiKeys": {"edges": [{"node": KEY_SHOWN | {"lastUsedAt": 5}}]}}}}}),
        (["keys", "create"], {"createApiKey": {"data": {"createApiKey": {"apiKey": KEY_SHOWN, "secret": ESCAPES}}}}),
        (["keys", "create"], {"createApiKey": {"data": {"createApiKey": {"apiKey": KEY_SHOWN, "secret": KEY + "\n"}}}}),
        (["keys", "rotate"], {"rotateApiKey": {"data": {"rotateApiKey": {"apiKey": KEY_SHOWN, "secret": "short"}}}}),
        (["keys", "revoke", "key_1"], {"revokeApiKey": {"data": {}}}),
        (["machines", "list"], {"machines": {"data": {"viewer": {"machines": [{"id": "mac_1"}]}}}}),
        (["machines", "revoke", "mac_1"], {"revokeMachine": {"data": {"revokeMachine": {"machine": None}}}}),
        (["login", "--anonymous"], {"createAnonymousEntity": {"data": {"createAnonymousEntity": None}}}),
        (["login", "--anonymous"], {"createAnonymousEntity": {"data": {"createAnonymousEntity": {"apiKey": {"name": "rka_x"}}}}}),
    ],
)
def test_so_do_the_other_commands(odd: Answering, machine: Machine, words: list[str], answers: dict[str, object]) -> None:
    before = log_in(machine, odd).read_bytes()
    odd.answers |= {word: (200, answer) for word, answer in answers.items()}
    done = machine.run("runkey", *words, "--host", odd.url)
    check_it_was_told(done)
    assert done.stdout == ""
    assert (machine.home / ".config/runkey/credentials.json").read_bytes() == before


@pytest.mark.parametrize(
    ("link", "is_shown"),
    [
        ("{odd}/claim#abc", True),
        ("http://localhost:1/claim#abc", True),
        ("http://127.0.0.1/\x1b]52;c;ZXZpbA==\x07", False),
        ("javascript:alert(1)", False),
        ("https://elsewhere.example/claim#abc", False),
        ("http://127.0.0.1@elsewhere.example/claim", False),
        (5, False),
    ],
)
def test_a_claim_link_is_the_servers_own(odd: Answering, machine: Machine, link: object, is_shown: bool) -> None:
    odd.answers["createAnonymousEntity"] = (200, {"data": {"createAnonymousEntity": started(odd)}})
    done = machine.run("runkey", "login", "--host", odd.url, "--anonymous")
    assert done.returncode == 0, done.stderr
    link = link.format(odd=odd.url) if isinstance(link, str) else link
    odd.answers["createClaimLink"] = (200, {"data": {"createClaimLink": {"claimUrl": link, "code": "abc"}}})
    done = machine.run("runkey", "claim")
    if is_shown:
        assert done.stdout == f"{link}\n"
    else:
        check_it_was_told(done)
        assert done.stdout == ""


def started(odd: Answering) -> dict[str, object]:
    return {
        "apiKey": {"id": "key_2", "name": ANONYMOUS_KEY},
        "entity": {"name": "anon-1"},
        "anonymousUntil": "2027-01-01T00:00:00Z",
        "dashboardUrl": f"{odd.url}/try#x",
        "claimUrl": f"{odd.url}/claim#x",
    }


@pytest.mark.parametrize("word", ["inf", "nan", "1e400", "-5", "9" * 400])
def test_a_run_outlives_an_odd_time_to_come_again(odd: Answering, machine: Machine, word: str) -> None:
    log_in(machine, odd)
    statuses = iter([503])

    def take(request: Request) -> None:
        status = next(statuses, 200)
        request.answer(status, {"error": "x"} if status != 200 else {}, **({"retry_after": word} if status != 200 else {}))

    odd.answers["/files/mira/p/r1/file_stream"] = take
    done = machine.python(RUN + "print('finished')", RUNKEY_HOST=odd.url)
    assert "finished" in done.stdout, done.stderr
    assert "internal fault" not in done.stderr
    assert len(odd.asked("/files/mira/p/r1/file_stream")) >= 2


def stored_key(machine: Machine) -> bool:
    path = machine.home / ".config/runkey/credentials.json"
    return path.exists() and '"key": ' in path.read_text()
