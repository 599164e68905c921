"""docs/security.md and the tests say the same: every line of its table has a test that names it, every name a line."""

import ast
import re
from pathlib import Path

import pytest

from runkey_server import accounts
from runkey_server.accounts import model
from runkey_wire import device_authorization as wire

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/security.md").read_text()
ID = re.compile(r"(ASVS \d+\.\d+\.\d+|RFC \d{4} \d+(\.\d+)*)")


def rows() -> dict[str, str]:
    """What the page promises: id to sentence."""
    return dict(re.findall(r"^\| ((?:ASVS|RFC) [^|]+) \| (.+) \|$", PAGE, re.MULTILINE))


def marks(source: str) -> "list[tuple[str, str | None]]":
    """(function, id) of each mark in a test file; the id is None where it is no plain text."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.holds":
                    ids = [word.value if isinstance(word, ast.Constant) else None for word in mark.args]
                    found += [(node.name, each) for each in (ids if len(ids) == 1 else [None])]
    return found


def all_marks() -> "list[tuple[Path, str, str | None]]":
    folders = ("client/tests", "server/tests", "tests")
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("test_*.py"))
    return [(path, *mark) for path in paths for mark in marks(path.read_text())]


def test_every_mark_is_on_a_test_and_names_one_id() -> None:
    for path, name, held in all_marks():
        assert name.startswith("test_"), (path, name)
        assert held is not None and ID.fullmatch(held), (path, name, held)


def test_every_line_has_a_test_and_every_mark_a_line() -> None:
    held = {each for _, _, each in all_marks()}
    assert set(rows()) - held == set(), "lines of the page that no test holds"
    assert held - set(rows()) == set(), "marks without a line of the page"


def test_no_line_stands_twice_and_they_are_in_order() -> None:
    ids = re.findall(r"^\| ((?:ASVS|RFC) [^|]+) \|", PAGE, re.MULTILINE)
    assert len(ids) == len(set(ids)) > 70
    assert ids == sorted(ids, key=lambda each: (each.split()[0], [[int(part) for part in word.split(".")] for word in each.split()[1:]]))


def test_marks_are_found_as_they_are_written() -> None:
    source = '@pytest.mark.holds("RFC 1 2")\n@pytest.mark.story\n@pytest.mark.holds(name)\n@pytest.mark.holds()\ndef test_x(): ...'
    assert marks(source) == [("test_x", "RFC 1 2"), ("test_x", None), ("test_x", None)]
    assert marks("# pytest.mark.holds('RFC 1 2')\ntext = \"pytest.mark.holds('x')\"") == []


@pytest.mark.holds("ASVS 7.1.1")
@pytest.mark.holds("RFC 8628 5.1")
def test_the_figures_on_the_page_are_those_that_count() -> None:
    words = {5: "five", 8: "eight", 10: "ten", 50: "fifty", 300: "three hundred"}
    assert f"makes it {accounts.SESSION_DAYS} days" in PAGE
    minutes = int(model.FRESH.total_seconds() // 60)
    assert f"password given within {words[minutes]} minutes" in PAGE
    short, longer = wire.USER_CODE_CHARACTERS
    assert f"a code of {words[short]} consonants, good for {words[wire.EXPIRES_IN_SECONDS // 60]} minutes" in PAGE
    assert f"{words[longer]} consonants while more than a hundred wait" in PAGE
    limits = (accounts.USER_CODE_BY_ONE_ACCOUNT, accounts.USER_CODE_FROM_ONE_PLACE, accounts.USER_CODE_AT_ALL)
    account, network, everybody = (words[limit.free] for limit in limits)
    assert f"Wrong codes: {account} in ten minutes for an account, {network} an hour for a network, {everybody} an hour for all" in PAGE
    assert [int(limit.within.total_seconds() // 60) for limit in limits] == [10, 60, 60]
