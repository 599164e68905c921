"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for side in ("client", "server") for path in (ROOT / side / "src").rglob("*.py"))


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    return [ROOT / name.decode() for name in names.stdout.split(b"\0") if name and (ROOT / name.decode()).is_file()]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), path


def test_only_settings_reads_the_environment() -> None:
    allowed = {
        "client/src/runkey/settings.py",
        # exec hands the whole environment on; the demo empties its own before it logs in.
        "client/src/runkey/cli/executing.py",
        "server/src/runkey_server/demo/showing.py",
    }
    found = {str(path.relative_to(ROOT)) for path in SOURCES if re.search(r"os\.(environ|getenv)", path.read_text())}
    assert found <= allowed


def test_rooms_speak_to_each_other_through_their_face() -> None:
    rooms = {"accounts", "keys", "projects", "history", "files", "runs"}
    for path in SOURCES:
        parts = path.relative_to(ROOT / "server/src").parts if "server" in path.parts else ()
        here = parts[1] if len(parts) > 2 else ""
        for room, module in re.findall(r"from runkey_server\.(\w+)\.(\w+) import", path.read_text()):
            if room in rooms and room != here:
                assert module == "tables", f"{path}: {room}.{module}"


def test_names_that_say_nothing_are_not_used() -> None:
    nothing = {"utils.py", "util.py", "helpers.py", "common.py", "manager.py", "service.py", "misc.py"}
    assert [path for path in SOURCES if path.name in nothing] == []


def test_no_file_holds_an_address_of_an_index_or_a_path_of_one_machine() -> None:
    forbidden = re.compile(
        "|".join(["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian", "/" + "work/", "/" + "root/"])
    )
    for path in tracked():
        text = path.read_bytes().decode(errors="replace")
        assert not forbidden.search(text), path


@pytest.mark.holds("ASVS 1.2.3")
@pytest.mark.holds("ASVS 3.4.3")
def test_templates_have_no_inline_script_or_style() -> None:
    for path in (ROOT / "server/src/runkey_server/web/templates").glob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|\|\s*safe", text), path


def test_requirements_agree_with_the_distributions() -> None:
    import tomllib

    for side, name in (("client", "client"), ("server", "server")):
        wanted = set(tomllib.loads((ROOT / side / "pyproject.toml").read_text())["project"]["dependencies"]) - {"runkey"}
        listed = {line for line in (ROOT / f"requirements/{name}.in").read_text().splitlines() if line and not line.startswith(("#", "-"))}
        assert wanted <= listed


def test_reserved_names_hold_every_route() -> None:
    from runkey_server import app
    from runkey_server.accounts import RESERVED_NAMES
    from runkey_wire import names

    source = Path(app.__file__).read_text()
    first_parts = {path.split("/")[1] for path in re.findall(r'_route\(\s*"(/[^"]*)"', source)} - {"", "{entity}"}
    assert len(first_parts) > 8
    for part in first_parts:
        assert part in RESERVED_NAMES or names.entity_fault(part) is not None, part


def test_every_planted_mistake_breaks_the_floors(tmp_path: Path) -> None:
    """The contracts can fail: a mistake of each kind, in a copy, is found."""
    import shutil
    import sys

    mistakes = {
        "server/src/runkey_server/accounts/model.py": "from runkey_server import keys",
        "server/src/runkey_server/web/charts.py": "from runkey_server import graphql",
        "server/src/runkey_server/graphql/ids.py": "from runkey_server.keys import store",
        "client/src/runkey/errors.py": "from runkey import settings",
        "client/src/runkey/api.py": "import runkey_server",
        "client/src/runkey_wire/limits.py": "import runkey",
    }
    for side in ("client", "server"):
        shutil.copytree(ROOT / side / "src", tmp_path / side / "src")
    shutil.copy(ROOT / "importlinter.ini", tmp_path)
    for path, line in mistakes.items():
        changed = tmp_path / path
        changed.write_text(changed.read_text() + "\n" + line + "\n")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--config", "importlinter.ini", "--no-cache"]
    environment = {"PYTHONPATH": f"{tmp_path}/client/src:{tmp_path}/server/src", "PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 1, done.stdout
    for line in mistakes.values():
        module = line.split()[1]
        assert module in done.stdout, line
    assert re.search(r"(\d+) broken", done.stdout)
    assert int(re.search(r"(\d+) broken", done.stdout)[1]) >= 5
