"""Files and media of the unmodified official client: saved, read back, deleted; and seen on the run's page, as far as a browser can."""

import base64
import contextlib
import hashlib
import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import make_certificate
from desk import Desk, walk
from outside import Machine, Server, eventually, start_server

pytestmark = pytest.mark.story

SCRIPTS = Path(__file__).parent.parent / "scripts"

READ = """
import json, wandb
run = wandb.Api().run("mira/media/everything")
found = {file.name: file for file in run.files(per_page=10)}
told = {"names": list(found), "count": len(run.files()), "texts": {}}
for name, file in found.items():
    if name.endswith(".txt") or "dash" in name or name == "empty.bin":
        with file.download(root="got", replace=True) as kept:
            told["texts"][name] = kept.read()
told["pattern"] = [file.name for file in run.files(pattern="odd/%.txt", per_page=3)]
told["named"] = [file.name for file in run.files(names=["./now.txt", "absent"])]
one = run.file("now.txt")
told["one"] = [one.size, one.mimetype, one.md5, one.url.startswith(one.directUrl[:30])]
with open("later.txt", "w") as file:
    file.write("later")
told["later"] = run.upload_file("later.txt").size
run.file("later.txt").delete()
told["deleted"] = [file.name for file in run.files(names=["later.txt"])]
try:
    run.upload_file("odd/new\\nline.txt")
except Exception as error:
    told["refused"] = str(error)
print("JSON" + json.dumps(told))
"""


@pytest.fixture(scope="module")
def logged(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine on which everything was logged."""
    machine = Machine(tmp_path_factory.mktemp("home"))
    machine.extra = {"WANDB_BASE_URL": desk.server.url, "WANDB_DIR": str(machine.home), "WANDB_API_KEY": desk.key}
    done = machine.python((SCRIPTS / "everything.py").read_text())
    assert done.returncode == 0, done.stderr
    return machine


def test_files_come_back_under_their_names_and_one_that_is_refused_takes_none_with_it(desk: Desk, logged: Machine) -> None:
    done = logged.python(READ)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.split("JSON", 1)[1])
    odd = {path.name for path in (logged.home / "odd").iterdir()} - {"new\nline.txt"}
    assert len({unicodedata.normalize("NFC", name) for name in odd}) == len(odd) - 1, "one name in two spellings"
    assert {name for name in told["names"] if name.startswith("odd/")} == {f"odd/{name}" for name in odd}
    assert told["count"] == len(told["names"]) == len(set(told["names"]))
    for name in odd:
        assert told["texts"][f"odd/{name}"] == name
    deep = next(name for name in told["names"] if name.endswith("/deep.txt"))
    assert len(deep) > 300
    assert {name: told["texts"][name] for name in (deep, "now.txt", "live.txt", "end.txt", "empty.bin")} == {
        deep: "first",
        "now.txt": "first",
        "live.txt": "last",
        "end.txt": "last",
        "empty.bin": "",
    }
    assert set(told["pattern"]) == {f"odd/{name}" for name in odd if name.endswith(".txt")}
    # A name that is not there is a file without bytes, as the official client takes it.
    assert told["named"] == ["absent", "now.txt"]
    assert told["one"] == [5, "text/plain", base64.b64encode(hashlib.md5(b"first").digest()).decode(), True]
    assert (told["later"], told["deleted"]) == (5, ["later.txt"])
    assert "is no file name: control characters are not allowed" in told["refused"]
    # The same picture was logged many times; its bytes are there once.
    folder = desk.server.data / "files"
    status, answer = desk.server.get("/mira/media/runs/everything/files", desk.key)
    assert status == 200
    files = json.loads(answer)
    assert [each["name"] for each in files["refused"]] == ["odd/new\N{REPLACEMENT CHARACTER}line.txt"]
    with contextlib.closing(sqlite3.connect(desk.server.data / "runkey.db")) as database:
        kept = [row[0] for row in database.execute("SELECT sha256 FROM files")]
    assert len(set(kept)) < len(kept)
    assert all((folder / sha256[:2] / sha256).is_file() for sha256 in kept)


@pytest.mark.browser
def test_the_page_shows_what_a_browser_can_and_gives_the_rest_with_a_word(desk: Desk, logged: Machine) -> None:
    page = desk.page("/mira/media/runs/everything#media")

    def card(key: str) -> object:
        found = page.locator("figure", has=page.locator("figcaption span:first-child", has_text=re.compile(f"^{re.escape(key)}$")))
        found.scroll_into_view_if_needed()
        return found

    # Layers over a picture, in a list of pictures as well.
    layered = card("layered")
    layered.locator("svg rect").nth(1).wait_for()
    assert layered.locator("label").all_inner_texts() == ["mask guess", "box found", "cat", "dog"]
    assert layered.locator(".label").all_inner_texts() == ["a cat", "dog"]
    pixels = "[...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    painted = f"canvas => {pixels}.filter((value, place) => place % 4 == 3 && value).length"
    eventually(lambda: layered.locator("canvas").evaluate(painted) == 2 * 20 * 30)
    layered.get_by_role("checkbox", name="cat").uncheck()
    assert layered.locator(".label").all_inner_texts() == ["dog"]
    eventually(lambda: layered.locator("canvas").evaluate(painted) == 20 * 30)
    layered.get_by_role("checkbox", name="box found").uncheck()
    layered.get_by_role("checkbox", name="mask guess").uncheck()
    assert layered.locator("svg rect").count() == 0
    eventually(lambda: layered.locator("canvas").evaluate(painted) == 0)
    eventually(lambda: card("layers").locator("svg rect").count() == 4)
    eventually(lambda: card("nested.picture").locator("img").evaluate("image => image.naturalWidth") == 80)
    # Tables: by page, sorted, growing.
    table = card("table")
    assert table.locator("td").first.inner_text() == "0"
    table.get_by_role("button", name="Next").click()
    table.get_by_text("Rows 26 to 50 of 60").wait_for()
    table.get_by_role("button", name="name").click()
    table.get_by_role("button", name="name").click()
    assert table.locator("td").nth(1).inner_text() == "<row 59>"
    growing = card("growing")
    assert growing.locator("tbody tr").count() == 3
    page.get_by_label("Step of growing").focus()
    page.keyboard.press("Home")
    eventually(lambda: growing.locator("tbody tr").count() == 1)
    assert card("changing").locator("tbody tr").count() == 3
    # Sounds and films play, as the browser sees by their length or size.
    sound = card("sound").locator("audio")
    eventually(lambda: sound.evaluate("sound => sound.duration") == 0.5)
    eventually(lambda: card("film").locator("img").evaluate("image => image.naturalWidth") == 24)
    # Charts of tables, and a figure of Plotly's as far as it is drawn.
    charts = {"curve": "A curve", "dots": "Some dots", "bars": "Bars", "scores": "Scores", "series": "epoch", "confusion": "Predicted"}
    for key, words in charts.items():
        chart = card(key)
        chart.locator("svg").wait_for()
        assert words in chart.inner_text()
    assert card("confusion").locator("svg text").all_text_contents().count("2") == 2
    curve = card("curve")
    curve.get_by_role("button", name="As a table").click()
    assert curve.locator("tbody tr").count() == 20
    assert "drawn by the specification me/own" in card("own").inner_text()
    assert "Not drawn here: pie “slices”." in card("figure").inner_text()
    # Points in space are turned.
    cloud = card("points")
    before = cloud.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    cloud.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    eventually(lambda: cloud.locator("canvas").evaluate("canvas => canvas.toDataURL()") != before)
    assert "50 points" in card("scene").inner_text()
    # What a browser cannot show is given with a word.
    for key, words in (("mesh", "A mesh"), ("molecule", "A molecule")):
        assert words in card(key).inner_text()
        with page.expect_download() as waiting:
            card(key).get_by_role("link").click()
        assert waiting.value.path().stat().st_size > 10
    # A logged page is of no origin at all: first without its scripts, then with them.
    shown = card("page")
    frame = shown.frame_locator("iframe").locator("body")
    assert frame.inner_text() == "Logged"
    shown.get_by_role("button", name="Run them").click()
    eventually(lambda: frame.inner_text().split() == ["Logged", "null"])
    assert len(page.problems) == 1 and "Blocked script execution" in page.problems[0]
    assert page.locator("figure").count() == 25
    walk(page, "media-every-kind")


VERIFY = re.compile(r"^(?P<check>[A-Z].*?)\.+(?P<mark>\u2705|\u274c)$", re.MULTILINE)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[tuple[Server, Path]]":
    folder = tmp_path_factory.mktemp("verified")
    cert, key = make_certificate(folder)
    server = start_server(folder / "data", "--tls-cert", str(cert), "--tls-key", str(key))
    yield server, cert
    server.stop()


def test_the_official_check_of_servers(secure: "tuple[Server, Path]", machine: Machine) -> None:
    server, cert = secure
    machine.extra = {"WANDB_API_KEY": server.key("mira"), "SSL_CERT_FILE": str(cert), "REQUESTS_CA_BUNDLE": str(cert)}
    done = machine.run("wandb", "verify", "--host", server.url)
    found = {match["check"]: match["mark"] == "\u2705" for match in VERIFY.finditer(done.stdout)}
    assert found == {
        "Checking if logged in": True,
        "Checking signed URL upload": True,
        "Checking ability to send large payloads through proxy": True,
        "Checking requests to base url": True,
        "Checking requests made over signed URLs": True,
        "Checking CORs configuration of the bucket": True,
        "Checking wandb package version is up to date": True,
        "Checking logged metrics, saving and downloading a file": True,
        "Checking artifact save and download workflows": True,
        # There are no sweeps yet.
        "Checking sweep creation and agent execution": False,
    }, done.stdout
