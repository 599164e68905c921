"""What answers is not what it should be: another server at the address, one that proves nothing, one that says odd things."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from answering import KEY, PROOF, Answering, Request, answering
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
