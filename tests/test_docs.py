"""The docs say what is so: links lead somewhere, commands and variables are all named, figures' names exist."""

import json
import re
from pathlib import Path

import pytest
from clients import card

from runkey import cli
from runkey_server import cli as server_cli

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_command_is_described() -> None:
    client, server = (ROOT / "docs/client.md").read_text(), (ROOT / "docs/server.md").read_text()
    for command in cli.COMMANDS:
        assert f"`runkey {command}" in client
    for command in server_cli.COMMANDS:
        assert f"runkey-server {command}" in server + (ROOT / "README.md").read_text() + (ROOT / "CHANGELOG.md").read_text()


def test_every_variable_that_is_read_is_described() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "client/src/runkey").rglob("*.py"))
    described = (ROOT / "docs/client.md").read_text()
    for name in set(re.findall(r"\bRUNKEY_[A-Z_]+\b", sources)):
        assert name in described, name


def test_every_setting_of_the_server_is_described() -> None:
    described = (ROOT / "docs/server.md").read_text()
    for flag in re.findall(r'add_argument\(\s*"(--[a-z-]+)"', (ROOT / "server/src/runkey_server/cli/serve.py").read_text()):
        assert flag in described, flag


def test_every_decision_names_its_guard_and_the_guard_exists() -> None:
    for page in (ROOT / "docs/decisions").glob("*.md"):
        last = page.read_text().strip().split("\n\n")[-1]
        assert last.startswith("**Guarded by**"), page
        for path in re.findall(r"`((?:tests|server|client)/[^`:]+)", last):
            assert (ROOT / path).exists(), path


def test_the_page_of_official_clients_is_what_its_results_make() -> None:
    assert card.PAGE.read_text() == card.render(json.loads(card.RESULTS.read_text())), "It is made by ./dev matrix, never edited."
