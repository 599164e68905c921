"""Somebody logs in from a notebook: a real kernel, whose input box the test fills in."""

from collections.abc import Iterator
from queue import Empty

import pytest
from jupyter_client import KernelManager
from outside import Machine, Server

pytestmark = pytest.mark.story


class Notebook:
    """One kernel, and the answers of whoever sits before it."""

    def __init__(self, machine: Machine) -> None:
        self.manager = KernelManager()
        self.manager.start_kernel(env=machine.environment | {"JUPYTER_RUNTIME_DIR": str(machine.home / "jupyter")}, cwd=str(machine.home))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.asked: list[tuple[str, bool]] = []

    def cell(self, code: str, *answers: str, can_ask: bool = True) -> str:
        """Run a cell, answering what it asks, and interrupting it when there is no answer left; give all that it printed."""
        waiting, shown = list(answers), []

        def answer(message: dict) -> None:
            self.asked.append((message["content"]["prompt"], message["content"]["password"]))
            if waiting:
                self.client.input(waiting.pop(0))
            else:
                self.manager.interrupt_kernel()

        def show(message: dict) -> None:
            content = message["content"]
            shown.append(content.get("text") or "\n".join(content.get("traceback", [])) or "")

        try:
            self.client.execute_interactive(code, allow_stdin=can_ask, stdin_hook=answer, output_hook=show, timeout=60)
        except (TimeoutError, Empty):
            pytest.fail("the cell did not end: " + "".join(shown))
        return "".join(shown)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook(machine: Machine) -> Iterator[Notebook]:
    opened = Notebook(machine)
    yield opened
    opened.close()


def test_a_cell_asks_for_the_key_and_the_run_goes_to_the_account(notebook: Notebook, server: Server) -> None:
    key = server.key("mira")
    shown = notebook.cell(f"import runkey; print('RESULT', runkey.login(host={server.url!r}))", key)
    assert "RESULT True" in shown
    assert "Logged in as mira" in shown
    assert [hidden for _, hidden in notebook.asked] == [True]
    assert key not in shown
    shown = notebook.cell("run = runkey.init(project='cells'); run.log({'loss': 1.0}); run.finish()")
    assert "1 rows are on the server" in shown
    assert "Logged in as mira" not in shown


def test_a_batch_that_nobody_watches_is_not_asked(notebook: Notebook, server: Server) -> None:
    shown = notebook.cell(f"import runkey; runkey.login(host={server.url!r})", can_ask=False)
    assert "NotLoggedIn" in shown
    assert "RUNKEY_API_KEY" in shown


def test_an_interrupted_cell_stores_nothing(notebook: Notebook, server: Server, machine: Machine) -> None:
    shown = notebook.cell(f"import runkey; runkey.login(host={server.url!r})", "not a key")
    assert "Copy it again" in shown
    assert "KeyboardInterrupt" in shown
    assert not (machine.home / ".config/runkey/credentials.json").exists()
