"""Artifacts looked through in a real browser: lists, one version, what it holds, its lineage, its aliases, its end; and hostile names."""

import base64
import hashlib
import json
import re
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from desk import Desk, walk
from markup import ODD, UPSERT, Hall, as_name, packed, quoted
from outside import Machine, Server, eventually

pytestmark = [pytest.mark.story, pytest.mark.browser]

SCRIPT = """
import pathlib, wandb
from PIL import Image

def made(name, type, **more):
    return wandb.Artifact(name, type=type, **more)

def write(path, text):
    pathlib.Path(path).parent.mkdir(exist_ok=True)
    pathlib.Path(path).write_text(text)
    return path

with wandb.init(project="shelf", id="prepare", name="prepare the data") as run:
    data = made("images", "dataset", description="Digits, 28 by 28.")
    data.add_file(write("raw/train.csv", "1,2"))
    run.log_artifact(data).wait()

with wandb.init(project="shelf", id="train", name="train a net") as run:
    run.use_artifact("images:latest")
    for number in range(2):
        net = made("net", "model", description="A small net.", metadata={"layers": 3, "optimizer": {"name": "adam"}})
        net.add_file(write("net/weights.bin", "w" * 5_000), name="weights.bin")
        net.add_file(write("net/notes.txt", f"try {number}"), name="about/notes and words.txt")
        net.add_reference(pathlib.Path("raw/train.csv").absolute().as_uri(), name="elsewhere.csv")
        run.log_artifact(net, aliases=["best"] if number == 0 else []).wait()

with wandb.init(project="shelf", id="judge", name="judge the net") as run:
    best = run.use_artifact("net:best")
    run.link_artifact(best, "shelf/released", aliases=["prod"])
    scores = made("scores", "result")
    scores.add_file(write("scores.json", "{}"))
    run.log_artifact(scores).wait()

with wandb.init(project="deck", id="play", name="play with it") as run:
    run.use_artifact("mira/shelf/net:best")
    pictures = [wandb.Image(Image.new("RGB", (20 + 10 * number, 20), (90, 60, 200)), caption=f"picture {number}") for number in range(2)]
    run.log({"seen": wandb.Table(columns=["word", "picture"], data=[["one", pictures[0]], ["two", pictures[1]]])})
"""


def test_artifacts_are_looked_through(desk: Desk, machine: Machine) -> None:
    desk.begin("shelf", "first")
    page = desk.page("/mira/shelf")
    page.get_by_role("link", name="Artifacts", exact=True).click()
    page.get_by_role("heading", name="No artifacts yet").wait_for()
    assert "run.log_artifact(data)" in page.locator("pre").inner_text()
    walk(page, "artifacts-none")
    keys = {"WANDB_BASE_URL": desk.server.url, "WANDB_API_KEY": desk.key, "WANDB_CACHE_DIR": str(machine.home / "cache")}
    done = machine.python(SCRIPT, **keys, WANDB_DATA_DIR=str(machine.home / "staging"))
    assert done.returncode == 0, done.stderr

    page.reload()
    page.get_by_role("heading", name="model").wait_for()
    listed = [
        (section.get_by_role("heading").inner_text(), section.locator("tbody tr").count()) for section in page.locator("main section").all()
    ]
    assert listed == [("dataset", 1), ("model", 2), ("result", 1)]
    walk(page, "artifacts")
    page.get_by_role("combobox").select_option("model")
    eventually(lambda: page.locator("main section").count() == 1)
    page.get_by_role("link", name="net", exact=True).click()
    page.get_by_role("heading", name="net").wait_for()
    # The heading stands before the rows have come.
    eventually(lambda: page.locator("tbody tr td:first-child").all_inner_texts() == ["v1", "v0"])
    assert page.locator("tr", has_text="v0").get_by_text("best").count() == 1
    walk(page, "artifacts-versions")
    page.get_by_role("link", name="All artifacts").click()
    page.get_by_role("heading", name="Artifacts", exact=True).wait_for()
    page.go_back()
    page.get_by_role("link", name="v0", exact=True).click()

    page.get_by_role("heading", name="net:v0").wait_for()
    about = page.locator("section", has=page.get_by_role("heading", name="About"))
    assert "A small net." in about.inner_text() and "train a net" in about.inner_text()
    assert 'use_artifact("mira/shelf/net:v0")' in about.inner_text()
    assert page.locator("dt", has_text="optimizer.name").count() == 1
    assert page.get_by_role("link", name="released:v0").count() == 1
    walk(page, "artifact-overview")

    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    row = page.locator("tr", has_text="notes and words.txt")
    with page.expect_download() as waiting:
        row.get_by_role("link").click()
    assert waiting.value.suggested_filename == "notes and words.txt"
    assert Path(waiting.value.path()).read_text() == "try 0"
    reference = page.locator("tr", has_text="elsewhere.csv")
    assert "file://" in reference.inner_text() and reference.get_by_role("link").count() == 0
    walk(page, "artifact-files")

    page.get_by_role("tab", name="Files").focus()
    page.keyboard.press("ArrowRight")
    picture = page.locator("svg")
    picture.wait_for()
    assert picture.locator("rect").first.evaluate("each => each instanceof SVGRectElement"), "it is drawn, not only written"
    assert picture.locator("text.head").all_text_contents() == ["Went in", "Logged by", "This version", "Used by", "Which logged"]
    names = ["images:v0", "train a net", "net:v0", "judge the net", "play with it", "run-play-seen:v0", "scores:v0"]
    assert sorted(picture.locator("text.name").all_text_contents()) == sorted(names)
    assert picture.locator("text.note", has_text="run, finished, in deck").count() == 1
    page.get_by_text("As a list").click()
    listed = page.locator("ul.list").inner_text()
    assert all(name in listed for name in names if name != "net:v0")
    walk(page, "artifact-lineage")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.locator(".scroll").evaluate("each => each.scrollWidth > each.clientWidth"), "on a phone it scrolls, and stays readable"
    assert picture.locator("text.name").first.evaluate("each => each.getBoundingClientRect().height") > 11
    page.set_viewport_size({"width": 1280, "height": 900})
    picture.get_by_role("link", name="scores:v0").click()
    page.get_by_role("heading", name="scores:v0").wait_for()
    page.get_by_text("Its aliases").or_(page.get_by_text("No run used it yet")).or_(
        page.get_by_role("heading", name="About")
    ).first.wait_for()

    # What a table names, its artifact holds: pictures stand in the cells.
    page.goto(f"{desk.server.url}/mira/deck/runs/play#media")
    cells = page.locator("td img")
    eventually(lambda: cells.evaluate_all("all => all.map(each => each.naturalWidth)") == [20, 30])
    assert [each.get_attribute("alt") for each in cells.all()] == ["picture 0", "picture 1"]
    walk(page, "run-table-of-pictures")

    page.goto(f"{desk.server.url}/mira/shelf/runs/train#overview")
    page.get_by_role("heading", name="Used", exact=True).wait_for()
    overview = page.locator("section", has=page.get_by_role("heading", name="About"))
    assert overview.locator("li a").all_inner_texts() == ["net:v0", "net:v1", "images:v0"]
    walk(page, "run-artifacts")
    overview.get_by_role("link", name="net:v1").click()

    page.get_by_label("New alias").fill("prod")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Take away the alias prod").click()
    eventually(lambda: page.locator("main").get_by_text("prod", exact=True).count() == 0)
    page.get_by_label("New alias").fill("v3")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("the number of a version").wait_for()
    page.get_by_label("New alias").fill("best")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Take away the alias best").wait_for()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep it").wait_for()
    asked = page.locator("p", has_text="It frees").inner_text()
    # The weights are those of v0 too.
    assert re.search(r"It frees [1-9]\d{0,2} B;", asked) and "best" in asked and "after a day" in asked, asked
    walk(page, "artifact-delete")
    page.get_by_role("button", name="Delete it").click()
    page.get_by_role("heading", name="net", exact=True).wait_for()
    eventually(lambda: page.locator("tbody tr td:first-child").all_inner_texts() == ["v0"])
    # The browser speaks of the refused alias, and of nothing else.
    assert len(page.problems) == 1 and "status of 400" in page.problems[0], page.problems


@pytest.fixture(scope="module")
def hall(server: Server, browser: object) -> Hall:
    """A version with all the markup in every field, a run that logged it, others that used it, and more of each under such names."""
    hall = Hall(server, browser)
    paths = [odd.strip("/").replace("..", "") for odd in ODD]
    contents: dict[str, dict[str, object]] = {path: {"digest": odd, "size": 1, "ref": odd} for path, odd in zip(paths, ODD, strict=True)}
    contents |= {f"{path}.here": {"digest": md5_of(b"here"), "size": 4} for path in paths[:20]}
    first = as_name(ODD[0])
    hall.graphql(UPSERT, name="maker", project="odd", shown=ODD[0])
    metadata = {odd: odd for odd in ODD} | {"nested": {odd: [odd] for odd in ODD[:20]}}
    told = {"description": " ".join(ODD), "metadata": json.dumps(metadata), "tags": [{"tagName": as_name(odd)} for odd in ODD[:20]]}
    aliases = list(dict.fromkeys(as_name(odd) for odd in ODD))
    made = log(hall, first, first, "maker", contents, aliases[:100], **told)
    # A call takes a hundred.
    more = [{"entityName": "eve", "projectName": "odd", "artifactCollectionName": first, "alias": alias} for alias in aliases[100:]]
    hall.graphql(ALIASES, input={"artifactID": made, "aliases": more})
    (collection,) = hall.graphql(OF, id=made).values()
    hall.graphql(DESCRIBE, input={"artifactSequenceID": collection["artifactSequence"]["id"], "description": " ".join(ODD)})
    for number, pack in enumerate(packed(110, [as_name(odd) for odd in ODD])):
        user = f"{number} {pack}"
        hall.graphql(UPSERT, name=as_name(user), project="odd", shown=pack)
        if number < 12:
            hall.graphql(USE, input={"artifactID": made, "entityName": "eve", "projectName": "odd", "runName": as_name(user)})
            log(hall, pack, pack, as_name(user), {"a": {"digest": "d", "size": 1, "ref": ODD[number]}}, [])
        if number < 3:
            target = {"artifactID": made, "entityName": "eve", "projectName": "odd", "artifactPortfolioName": as_name(f"link {pack}")}
            hall.graphql(LINK, input={**target, "aliases": [{"artifactCollectionName": "x", "alias": pack}]})
    other = log(hall, "input", "input", "maker", {"a": {"digest": "d", "size": 1, "ref": "x"}}, [])
    hall.graphql(USE, input={"artifactID": other, "entityName": "eve", "projectName": "odd", "runName": "maker"})
    return hall


CREATE = "mutation C($input: CreateArtifactInput!) { createArtifact(input: $input) { artifact { id } } }"
MANIFEST = (
    "mutation M($input: CreateArtifactManifestInput!) { createArtifactManifest(input: $input) { artifactManifest { file { uploadUrl } } } }"
)
FILES = "mutation F($input: CreateArtifactFilesInput!) { createArtifactFiles(input: $input) { files { edges { node { uploadUrl } } } } }"
COMMIT = "mutation C($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { state } } }"
ALIASES = "mutation A($input: AddAliasesInput!) { addAliases(input: $input) { success } }"
USE = "mutation U($input: UseArtifactInput!) { useArtifact(input: $input) { artifact { id } } }"
OF = "query A($id: ID!) { artifact(id: $id) { artifactSequence { id } } }"
DESCRIBE = "mutation D($input: UpdateArtifactSequenceInput!) { updateArtifactSequence(input: $input) { artifactCollection { id } } }"
LINK = "mutation L($input: LinkArtifactInput!) { linkArtifact(input: $input) { versionIndex } }"


def md5_of(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def log(hall: Hall, name: str, kind: str, run: str, contents: dict[str, dict[str, object]], aliases: list[str], **told: object) -> str:
    """Log a version whose files, where they are no references, all hold `here`."""
    whole = {"version": 1, "storagePolicy": "wandb-storage-policy-v1", "storagePolicyConfig": {"storageLayout": "V2"}, "contents": contents}
    body = json.dumps(whole).encode()
    where = {"entityName": "eve", "projectName": "odd", "runName": run, "artifactTypeName": kind, "artifactCollectionName": name}
    named = [{"artifactCollectionName": name, "alias": alias} for alias in aliases]
    given = {**where, "digest": hashlib.md5(body).hexdigest(), "digestAlgorithm": "MANIFEST_MD5", "aliases": named, **told}
    made = hall.graphql(CREATE, input=given)["createArtifact"]["artifact"]["id"]
    announced = {"artifactID": made, "name": "wandb_manifest.json", "digest": md5_of(body), "entityName": "eve", "projectName": "odd"}
    slots = [(hall.graphql(MANIFEST, input=announced)["createArtifactManifest"]["artifactManifest"]["file"]["uploadUrl"], body)]
    files = [{"artifactID": made, "name": path, "md5": each["digest"]} for path, each in contents.items() if "ref" not in each]
    edges = hall.graphql(FILES, input={"artifactFiles": files})["createArtifactFiles"]["files"]["edges"] if files else []
    slots += [(edge["node"]["uploadUrl"], b"here") for edge in edges]
    for url, sent in slots:
        if url is not None:
            with urllib.request.urlopen(urllib.request.Request(url, data=sent, method="PUT"), timeout=30) as answer:
                assert answer.status == 200
    assert hall.graphql(COMMIT, id=made)["commitArtifact"]["artifact"]["state"] == "COMMITTED"
    return made


def left_out(hall: Hall, selector: str, wanted: list[str]) -> list[str]:
    """Those that no such element shows as the very text that they are."""
    shown = "\n".join(hall.texts(selector))
    return [each for each in wanted if each not in shown]


@pytest.mark.holds("ASVS 1.2.1")
@pytest.mark.holds("ASVS 3.2.2")
def test_markup_in_every_field_of_an_artifact(hall: Hall) -> None:
    page, first = hall.page, as_name(ODD[0])
    packs = packed(110, [as_name(odd) for odd in ODD])[:12]
    hall.visit("/eve/odd/artifacts")
    page.wait_for_selector("tbody tr")
    hall.check("collections")
    assert left_out(hall, "h2", packs) == left_out(hall, "td", packs) == left_out(hall, "td", ODD) == left_out(hall, "option", packs) == []
    hall.visit(f"/eve/odd/artifacts?versions#{urllib.parse.quote(first, safe='')}")
    page.wait_for_selector("tbody tr")
    hall.check("versions")
    assert first in hall.texts("h1")[0]
    assert left_out(hall, "td", [as_name(odd) for odd in ODD]) == left_out(hall, ".told", ODD) == []
    at = quoted("eve", "odd", "artifacts", first, "v0")
    hall.visit(at)
    page.wait_for_selector("dt")
    assert left_out(hall, ".told", ODD) == left_out(hall, "dt", ODD) == left_out(hall, "dd", ODD) == []
    assert left_out(hall, "li", [*(as_name(odd) for odd in ODD), *packs[:3]]) == []
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep it").wait_for()
    hall.check("overview, asked about deleting")
    hall.visit(f"{at}?files#files")
    page.wait_for_selector("tbody tr")
    hall.check("files")
    assert page.locator("tbody tr").count() == 220
    assert left_out(hall, "td", ODD) == []
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").first.click()
    assert Path(waiting.value.path()).read_bytes() == b"here"
    hall.visit(f"{at}?lineage#lineage")
    page.locator("svg").wait_for()
    page.get_by_text("As a list").click()
    hall.check("lineage")
    assert left_out(hall, "svg title", packs[:11]) == left_out(hall, "ul.list", packs) == []
    # By an alias that is markup as well.
    hall.visit(quoted("eve", "odd", "artifacts", first, as_name(ODD[7])))
    page.wait_for_selector("dt")
    hall.visit("/eve/odd/runs/maker?artifacts#overview")
    page.get_by_role("heading", name="Used", exact=True).wait_for()
    hall.check("of a run")
    assert first in "".join(hall.texts("li"))
    assert "broke its content policy" not in hall.server.log.read_text()
