"""Somebody at a desk: what they log by hand, and their browser before the workspace."""

import json
import re

from accessibility import check_everybody_can_use
from browsing import look, watched
from markup import UPSERT
from outside import Server
from surfing import Surfer

STEPS = 3_000


class Desk:
    """Somebody, what they log by hand, and their browser."""

    def __init__(self, server: Server, browser: object, name: str) -> None:
        self.server = server
        self.browser = browser
        self.name = name
        self.surfer = Surfer(server).sign_up(name)
        self.key = self.make_key()
        self._sent: dict[tuple[str, str, str], int] = {}

    def make_key(self) -> str:
        """Make a key as a person does."""
        return re.findall(r"rku_\w{36}", self.surfer.post("/settings/keys", description="by hand").body)[0]

    def page(self, path: str, surfer: Surfer | None = None, **options: object) -> object:
        """A browser of its own, signed in, at an address."""
        page = watched(self.browser, self.server, **options)
        cookies = (surfer or self.surfer).cookies
        page.context.add_cookies([{"name": name, "value": value, "url": self.server.url} for name, value in cookies.items()])
        page.set_default_timeout(10_000)
        page.goto(self.server.url + path)
        return page

    def begin(self, project: str, run: str, shown: str = "", tags: tuple[str, ...] = (), **config: object) -> None:
        """Make a run."""
        told = json.dumps({key: {"value": value} for key, value in config.items()})
        variables = {"name": run, "project": project, "shown": shown or run, "config": told, "tags": tags}
        status, answer = self.server.post("/graphql", {"query": UPSERT, "variables": variables}, self.key)
        assert status == 200 and b'"errors"' not in answer, answer

    def log(self, project: str, run: str, rows: "list[dict[str, object]]", printed: "list[str]" = (), **more: object) -> None:
        """Log rows and lines through the door that every client uses, after those that were sent before."""
        sent = {"wandb-history.jsonl": [json.dumps(row) for row in rows], "output.log": list(printed)}
        sent |= {name: list(lines) for name, lines in more.pop("files", {}).items()}
        files = {}
        for name, lines in sent.items():
            at = self._sent.get((project, run, name), 0)
            if lines:
                files[name] = {"offset": at, "content": lines}
                self._sent[project, run, name] = at + len(lines)
        if rows:
            files["wandb-summary.json"] = {"offset": 0, "content": [json.dumps(rows[-1])]}
        status, answer = self.server.post(f"/files/{self.name}/{project}/{run}/file_stream", {"files": files, **more}, self.key)
        assert status == 200, answer

    def log_a_sweep(self) -> str:
        """Four runs of 3,000 steps. `loss` goes up and down by one, above a height of its own for each run; `gain` is below zero in one."""
        for number, (run, rate, kind) in enumerate(
            [("ash", 0.1, "adam"), ("birch", 0.02, "sgd"), ("cedar", 0.003, "adam"), ("dogwood", 0.0004, "sgd")]
        ):
            self.begin("sweep", run, tags=("even",) if number % 2 == 0 else (), lr=rate, optimizer={"name": kind})
            rows = [
                {"_step": i, "_runtime": i / 2, "loss": 10 * (number + 1) + i % 2, "val/gain": (i + 1) * (-1 if run == "cedar" else 1)}
                for i in range(STEPS)
            ]
            self.log("sweep", run, rows, complete=True, exitcode=0)
        return f"/{self.name}/sweep"


def walk(page: object, name: str) -> None:
    """Look at a page in every size and scheme, and see whether everybody can use it."""
    look(page, f"workspace-{name}")
    check_everybody_can_use(page)


def panel(page: object, name: str) -> object:
    return page.locator(f'figure[data-panel="{name}"]')


def shown_runs(page: object) -> list[str]:
    return page.locator("tbody td.run a").all_inner_texts()


def hover(page: object, name: str, share: float = 0.5) -> "tuple[float, dict[str, float]]":
    """Put the mouse over a chart, at such a share of its width; give the x that it tells of and the value of each line."""
    figure = panel(page, name)
    figure.scroll_into_view_if_needed()
    box = figure.locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    page.wait_for_selector(".hover")
    rows = {
        row.locator(".label").inner_text(): as_number(row.locator(".figure").inner_text()) for row in figure.locator(".hover .row").all()
    }
    return as_number(figure.locator(".hover b").inner_text()), rows


def as_number(text: str) -> float:
    return float(text.replace(",", ""))
