"""Somebody logs in from a notebook: a real kernel, by a link, with a person at a browser."""

import json
import re
import threading
from collections.abc import Iterator
from queue import Empty

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient
from outside import Machine, Server
from surfing import Surfer

pytestmark = pytest.mark.story


class Notebook:
    """One kernel, and the answers of whoever sits before it."""

    def __init__(self, machine: Machine) -> None:
        self.manager = KernelManager()
        self.manager.start_kernel(env=machine.environment | {"JUPYTER_RUNTIME_DIR": str(machine.home / "jupyter")}, cwd=str(machine.home))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def cell(self, code: str, *, interrupt_at: str | None = None) -> str:
        """Run a cell, interrupting it when it shows something; give all that it showed."""
        shown: list[str] = []

        def show(message: dict) -> None:
            content = message["content"]
            text = content.get("text") or "\n".join(content.get("traceback", [])) or content.get("data", {}).get("text/html") or ""
            shown.append(text)
            if interrupt_at and interrupt_at in text:
                self.manager.interrupt_kernel()

        try:
            self.client.execute_interactive(code, allow_stdin=False, output_hook=show, timeout=60)
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


def test_a_click_replaces_the_link_and_the_run_goes_to_the_account(server: Server, machine: Machine) -> None:
    mira = Surfer(server).sign_up("mira")
    approved: list[str] = []
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell(f"import runkey\nprint('RESULT', runkey.login(host={server.url!r}))"),
        nbformat.v4.new_code_cell("run = runkey.init(project='cells')\nrun.log({'loss': 1.0})\nrun.finish()"),
    ]

    class Watched(NotebookClient):
        """Approves what a cell shows, as its reader would."""

        def process_message(self, message: dict, cell: object, index: int) -> object:
            if message["msg_type"] == "display_data":
                html = message["content"]["data"]["text/html"]
                assert "<script" not in html
                code = re.search(r"user_code=([A-Z]{4}-[A-Z]{4})", html).group(1)
                threading.Thread(target=mira.approve, args=(code,)).start()
                approved.append(code)
            return super().process_message(message, cell, index)

    client = Watched(notebook, timeout=60, kernel_name="python3")
    client.execute(env=machine.environment | {"JUPYTER_RUNTIME_DIR": str(machine.home / "jupyter")}, cwd=str(machine.home))
    saved = nbformat.writes(notebook)
    assert "RESULT True" in saved
    assert "This machine was let in to the account mira" in saved
    assert "1 row is on the server" in saved
    assert approved
    assert approved[0] not in saved
    assert "user_code" not in saved
    assert "rkm_" not in saved


def test_a_cell_says_where_to_click(notebook: Notebook, server: Server, machine: Machine) -> None:
    shown = notebook.cell(f"import runkey; runkey.login(host={server.url!r})", interrupt_at="/device?user_code=")
    assert "KeyboardInterrupt" in shown
    assert "Nobody is awaited any more" in shown
    assert not json.loads((machine.home / ".config/runkey/credentials.json").read_text())["entries"]


def test_a_key_is_taken_with_a_warning(notebook: Notebook, server: Server) -> None:
    key = server.key("nora")
    shown = notebook.cell(f"import runkey; print('RESULT', runkey.login(key={key!r}, host={server.url!r}))")
    assert "RESULT True" in shown
    assert "A key in a notebook goes wherever the notebook goes" in shown
    shown = notebook.cell("run = runkey.init(project='cells'); run.log({'loss': 1.0}); run.finish()")
    assert "1 row is on the server" in shown
    assert "Logged in as nora" not in shown


def test_a_batch_that_nobody_watches_ends_by_its_timeout(notebook: Notebook, server: Server) -> None:
    shown = notebook.cell(f"import runkey; print('RESULT', runkey.login(host={server.url!r}, timeout=1))")
    assert "RESULT False" in shown
    assert "goes on offline" in shown
