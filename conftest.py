"""In continuous integration a skipped test is a failure: there everything that a test may need is installed."""

import os
import signal

import pytest
from hypothesis import settings


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a run with skips into a failed one, where CI is set."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        reporter.write_line("A test was skipped, which counts as a failure here.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let fault tests be repeated more often than in an ordinary run, and junk be sent for longer: `./dev faults`, `./dev fuzz`."""
    parser.addoption("--rounds", type=int, default=20, help="how often each fault test is repeated")
    parser.addoption("--minutes", type=float, help="how long junk is sent in all, instead of a few examples: ./dev fuzz")
    parser.addoption("--seed", type=int, default=0, help="where junk begins, with --minutes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end; end with the stories.

    A browser, once it was used in a process, leaves an event loop running there, beside which no other can be begun.
    """
    places = {"faults": 0, "stories": 2}
    items.sort(key=lambda item: places.get(item.path.parent.name, 1))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often a fault is tried."""
    return int(request.config.getoption("--rounds"))


@pytest.fixture(scope="session")
def budget(request: pytest.FixtureRequest) -> object:
    """How much junk is sent to one field or address: its share of the minutes, or a few examples."""
    from budget import Budget

    minutes, seed = request.config.getoption("--minutes"), request.config.getoption("--seed")
    return Budget() if minutes is None else Budget(minutes * 60 / max(1, len(request.session.items)), seed)


# Tests send Ctrl-C to what they start. Begun in the background of a shell, this process ignores it, and so would they.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine is no fault of the code's: no example has a deadline.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
