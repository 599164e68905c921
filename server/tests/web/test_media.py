"""What the page of a run needs to show media: charts of tables, names of classes, and pages that the run logged, shut off from all else."""

import json

import pytest
from house import House, Person, Visitor

RUN = "/mira/p/runs/r1"
UPSERT = 'mutation U($c: JSONString) { upsertBucket(input: {name: "r1", modelName: "p", config: $c}) { inserted } }'
SAVE = """mutation S($files: [String!]!) {
  createRunFiles(input: {entityName: "mira", projectName: "p", runName: "r1", files: $files}) { files { uploadUrl } }
}"""
PAGE = "<h1>Seen</h1><script>document.title = 1</script>"


def charted(table: str, **more: object) -> dict[str, object]:
    fields = [{"name": "summaryTable", "args": [{"name": "tableKey", "value": table}], "fields": []}]
    query = {"queryFields": [{"name": "runSets", "args": [{"name": "runSets", "value": "${runSets}"}], "fields": fields}]}
    return {"panel_type": "Vega2", "panel_config": {"userQuery": query, **more}}


@pytest.fixture
def mira(house: House) -> Person:
    person = house.person("mira")
    house.graphql(person.secret, UPSERT, c="{}")
    return person


@pytest.fixture
def browser(house: House, mira: Person) -> Visitor:
    return house.visitor().signed_in("mira")


def save(house: House, person: Person, **files: str) -> None:
    names = [name.replace("_", ".") for name in files]
    slots = house.graphql(person.secret, SAVE, files=names).json()["data"]["createRunFiles"]["files"]
    for slot, content in zip(slots, files.values(), strict=True):
        assert house.client.put(slot["uploadUrl"], content=content.encode()).status_code == 200


def test_charts_and_classes_are_read_out_of_what_the_client_keeps_in_the_config(house: House, mira: Person, browser: Visitor) -> None:
    fields = {"x": "step", "y": "loss", "stroke": None}
    own = {
        "visualize": {
            "curve": charted("curve_table", panelDefId="wandb/line/v0", fieldSettings=fields, stringSettings={"title": "A curve"}),
            "no query": {"panel_config": {"panelDefId": "x"}},
            "no kind": charted("t"),
            "none at all": None,
        },
        "mask/class_labels": {
            "seen_wandb_delimeter_guess": {"type": "mask/class_labels", "value": {"1": "cat", "2": 7}},
            "of no key": {"value": {"1": "x"}},
            "odd_wandb_delimeter_one": [],
        },
    }
    house.graphql(mira.secret, UPSERT, c=json.dumps({"lr": {"value": 1}, "_wandb": {"value": own}}))
    found = browser.get(f"{RUN}/about").json()
    assert found["charts"] == {
        "curve": {"kind": "wandb/line/v0", "table": "curve_table", "columns": {"x": "step", "y": "loss"}, "words": {"title": "A curve"}}
    }
    assert found["classes"] == {"seen": {"guess": {"1": "cat"}}, "odd": {"one": {}}}
    assert found["config"] == {"lr": 1}
    for odd in ({"_wandb": []}, {"_wandb": {"value": {"visualize": [1], "mask/class_labels": "x"}}}, {"_wandb": {"value": None}}):
        house.graphql(mira.secret, UPSERT, c=json.dumps(odd))
        about = browser.get(f"{RUN}/about").json()
        assert (about["charts"], about["classes"]) == ({}, {})


def test_a_page_is_shown_in_a_frame_alone_and_without_its_scripts(house: House, mira: Person, browser: Visitor) -> None:
    save(house, mira, page_html=PAGE, picture_svg="<svg onload='alert(1)'/>", notes_txt="words")
    framed = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}
    plain, alive = browser.get(f"{RUN}/shown/page.html", **framed), browser.get(f"{RUN}/shown/page.html?scripts", **framed)
    assert (plain.status_code, plain.text) == (alive.status_code, alive.text) == (200, PAGE)
    assert "; sandbox" in plain.headers["content-security-policy"] and "script" not in plain.headers["content-security-policy"]
    assert "sandbox allow-scripts; script-src 'unsafe-inline'" in alive.headers["content-security-policy"]
    for answer in (plain, alive):
        assert "same-origin" not in answer.headers["content-security-policy"]
    # Anywhere else, and whatever is no page, it is a download.
    for path in ("page.html", "page.html?scripts"):
        answer = browser.get(f"{RUN}/shown/{path}", **{"Sec-Fetch-Dest": "document"})
        assert (answer.status_code, answer.headers["location"][:9]) == (303, "/storage/")
    for name in ("picture.svg", "notes.txt"):
        answer = browser.get(f"{RUN}/shown/{name}", **framed)
        assert answer.status_code == 303
        given = browser.get(answer.headers["location"])
        assert given.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert given.headers["content-disposition"].startswith("attachment")
    assert browser.get(f"{RUN}/shown/absent.html", **framed).status_code == 404


def test_a_page_is_shown_to_nobody_else(house: House, mira: Person) -> None:
    save(house, mira, page_html=PAGE)
    stranger = house.visitor().sign_up("charlie")
    assert stranger.get(f"{RUN}/shown/page.html").status_code == 404
    assert house.visitor().get(f"{RUN}/shown/page.html").status_code == 401
