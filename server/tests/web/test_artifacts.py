"""What the pages of artifacts ask for: lists by page, one version whole, its lineage over projects, its files, and what is done to it."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from estates import COMMIT, CREATE, FILES, LINK, UPSERT, USE, announce
from house import House, Person, StillClock, Visitor, open_house
from manifests import lines_of, manifest_of, md5_of

from runkey_server.artifacts import purge_due, sweep_due
from runkey_server.web import artifacts as pages

AT = "/alice/p/collections"
METADATA = '{"rows": 3, "nested": {"a": [1, NaN]}, "big": 123456789012345678901234567890, "half": "\\ud800"}'


class Writer:
    """Somebody who logs artifacts as the official client does."""

    def __init__(self, house: House, person: Person) -> None:
        self.house, self.person = house, person
        self.headers = {"Authorization": f"Bearer {person.secret}"}

    def ask(self, query: str, **variables: Any) -> Any:
        answer = self.house.graphql(self.person.secret, query, **variables).json()  # type: ignore[attr-defined]
        assert "errors" not in answer, answer
        return answer["data"]

    def begin(self, run: str, project: str = "p", shown: str | None = None) -> None:
        self.ask(UPSERT, input={"name": run, "modelName": project, "displayName": shown or run})

    def log(
        self,
        called: str,
        files: dict[str, bytes],
        *,
        run: str = "maker",
        project: str = "p",
        kind: str = "dataset",
        refs: dict[str, str] | None = None,
        aliases: tuple[str, ...] = (),
        **more: Any,
    ) -> str:
        """Log a version; give its id."""
        contents: dict[str, dict[str, Any]] = {path: {"digest": md5_of(body), "size": len(body)} for path, body in files.items()}
        contents |= {path: {"digest": "etag", "size": 7, "ref": ref} for path, ref in (refs or {}).items()}
        manifest = manifest_of(contents)
        where = {"entityName": self.person.account.name, "projectName": project, "runName": run, "artifactTypeName": kind}
        named = [{"artifactCollectionName": called, "alias": alias} for alias in aliases]
        what = {"artifactCollectionName": called, "digest": md5_of(manifest)[:32], "digestAlgorithm": "MANIFEST_MD5", "aliases": named}
        made = self.ask(CREATE, input={**where, **what, **more})["createArtifact"]["artifact"]
        announced = announce(self.ask, self.person.account.name, project, made["id"], manifest)
        asked = [{"artifactID": made["id"], "name": path, "md5": md5_of(body)} for path, body in files.items()]
        slots = self.ask(FILES, input={"artifactFiles": asked})["createArtifactFiles"]["files"]["edges"]
        sent = [(slot["node"]["uploadUrl"], body) for slot, body in zip(slots, files.values(), strict=True)]
        for url, body in [*sent, (announced["file"]["uploadUrl"], manifest)]:
            # Nothing is asked for that is here already.
            if url is not None:
                assert self.house.client.put(url.removeprefix(self.house.base_url), content=body).status_code == 200
        assert self.ask(COMMIT, id=made["id"])["commitArtifact"]["artifact"]["state"] == "COMMITTED"
        return str(made["id"])

    def use(self, artifact_id: str, run: str, project: str = "p") -> None:
        self.ask(USE, input={"artifactID": artifact_id, "entityName": self.person.account.name, "projectName": project, "runName": run})

    def link(self, artifact_id: str, portfolio: str, project: str = "p", aliases: tuple[str, ...] = ()) -> None:
        named = [{"artifactCollectionName": portfolio, "alias": alias} for alias in aliases]
        target = {"artifactID": artifact_id, "entityName": self.person.account.name, "projectName": project}
        self.ask(LINK, input={**target, "artifactPortfolioName": portfolio, "aliases": named})

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.house.client.get(path, headers=self.headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def act(self, path: str, status: int = 200, **asked: Any) -> Any:
        answer = self.house.client.post(f"{path}/acts", json=asked, headers=self.headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def take(self, path: str) -> bytes:
        """Follow an address to the bytes, as a browser does: with no credential of its own."""
        answer = self.house.client.get(path, headers=self.headers)
        assert (answer.status_code, answer.headers["location"][:9]) == (303, "/storage/"), answer.text
        taken = self.house.client.get(answer.headers["location"])
        assert taken.status_code == 200 and taken.headers["content-disposition"].startswith("attachment"), taken.headers
        return bytes(taken.content)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def writer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """What the tests read: data that went into a run, a model of three versions, and runs that used them, in two projects."""
    settings = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgres").new_database()}
    with open_house(tmp_path_factory.mktemp("artifacts") / "data", StillClock(), **settings) as house:
        writer = Writer(house, house.person("alice"))
        for run, project in (("maker", "p"), ("source", "p"), ("user", "p"), ("other", "q")):
            writer.begin(run, project, shown=f"the {run}")
        raw = writer.log("raw", {"a.csv": b"1,2"}, run="source")
        writer.use(raw, "maker")
        files = {"model.bin": b"x" * 1_000, "dir/é b.txt": b"words"}
        first = writer.log(
            "net",
            files,
            kind="model",
            aliases=("best",),
            refs={"far": "s3://bucket/far"},
            description="a model",
            metadata=METADATA,
            clientID="c" * 64,
            tags=[{"tagName": "t1"}],
        )
        for number in (1, 2):
            writer.log("net", files | {"more": b"y" * number}, kind="model")
        writer.use(first, "user")
        writer.use(first, "other", "q")
        writer.log("scores", {"s.json": b"{}"}, run="other", project="q", kind="result")
        writer.link(first, "picked", aliases=("prod",))
        writer.link(first, "elsewhere", "q")
        yield writer


def test_collections_by_type_and_name(writer: Writer) -> None:
    told = writer.get(AT)
    assert told["types"] == [{"name": "dataset", "collections": 1}, {"name": "model", "collections": 2}]
    listed = [(each["type"], each["name"], each["kind"], each["versions"], each["newest"]) for each in told["collections"]]
    assert listed == [("dataset", "raw", "SEQUENCE", 1, 0), ("model", "net", "SEQUENCE", 3, 2), ("model", "picked", "PORTFOLIO", 1, 0)]
    assert told["more"] is False
    assert [each["name"] for each in writer.get(f"{AT}?type=model")["collections"]] == ["net", "picked"]
    assert writer.get(f"{AT}?type=none")["collections"] == []
    assert [each["name"] for each in writer.get(f"{AT}?skip=2")["collections"]] == ["picked"]
    assert writer.get("/alice/q/collections")["types"] == [{"name": "model", "collections": 1}, {"name": "result", "collections": 1}]


@pytest.mark.parametrize("skip", ["-1", "x", "9" * 30])
def test_a_bad_skip_is_refused(writer: Writer, skip: str) -> None:
    for path in (AT, f"{AT}/net"):
        writer.get(f"{path}?skip={skip}", 400)


def test_long_lists_come_by_page(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_COLLECTIONS", "_VERSIONS", "_FILES"):
        monkeypatch.setattr(pages, name, 1)
    for path, key, field, expected in (
        (AT, "collections", "name", ["raw", "net", "picked"]),
        (f"{AT}/net", "versions", "version", ["v2", "v1", "v0"]),
    ):
        found, more = [], True
        while more:
            page = writer.get(f"{path}?skip={len(found)}")
            found += [each[field] for each in page[key]]
            more = page["more"]
        assert found == expected
    paths, more = [""], True
    while more:
        answer = writer.house.client.get(
            f"{AT}/net/v0/files", params={"after": paths[-1]} if paths[-1] else {}, headers=writer.headers
        ).json()
        paths += [each["name"] for each in answer["files"]]
        more = answer["more"]
    assert paths[1:] == ["dir/é b.txt", "far", "model.bin"]


def test_versions_of_a_collection(writer: Writer) -> None:
    told = writer.get(f"{AT}/net")
    assert (told["collection"]["kind"], told["collection"]["type"], told["more"]) == ("SEQUENCE", "model", False)
    assert [(each["version"], each["aliases"], each["files"]) for each in told["versions"]] == [
        ("v2", ["latest"], 3),
        ("v1", [], 3),
        ("v0", ["best"], 3),
    ]
    newest = told["versions"][0]
    assert (newest["bytes"], newest["state"], len(newest["digest"])) == (1_000 + 5 + 2, "COMMITTED", 24)
    assert newest["loggedBy"] == {"entity": "alice", "project": "p", "name": "maker", "displayName": "the maker", "state": "running"}
    # In a portfolio it has the numbers and the names that it got there.
    assert [(each["version"], each["aliases"]) for each in writer.get(f"{AT}/picked")["versions"]] == [("v0", ["prod", "latest"])]


def test_all_that_is_known_of_a_version(writer: Writer) -> None:
    told = writer.get(f"{AT}/net/best/about")
    assert (told["version"], told["description"], told["tags"], told["files"], told["bytes"]) == ("v0", "a model", ["t1"], 3, 1_012)
    assert told["metadata"] == {
        "rows": 3,
        "nested": {"a": [1, told["metadata"]["nested"]["a"][1]]},
        "big": int("1234567890" * 3),
        "half": "\ud800",
    }
    assert told["source"] is None and told["expiresAt"] is None
    places = [(each["project"], each["collection"], each["version"], each["aliases"]) for each in told["links"]]
    assert places == [("p", "picked", "v0", ["prod", "latest"]), ("q", "elsewhere", "v0", ["latest"])]
    link = writer.get("/alice/q/collections/elsewhere/latest/about")
    assert link["source"] == {"entity": "alice", "project": "p", "collection": "net", "version": "v0", "type": "model"}
    assert link["collection"]["kind"] == "PORTFOLIO" and link["aliases"] == ["latest"] and link["digest"] == told["digest"]


def test_files_are_led_to_and_references_are_not(writer: Writer) -> None:
    told = writer.get(f"{AT}/net/v0/files")
    assert (told["count"], told["more"]) == (3, False)
    assert [(each["name"], each["bytes"], each["ref"]) for each in told["files"]] == [
        ("dir/é b.txt", 5, None),
        ("far", 7, "s3://bucket/far"),
        ("model.bin", 1_000, None),
    ]
    assert writer.take(f"{AT}/net/v0/file?name=dir/%C3%A9%20b.txt") == b"words"
    assert writer.take("/alice/q/collections/elsewhere/v0/file?name=model.bin") == b"x" * 1_000, "a link's bytes lie where they were logged"
    for name in ("far", "none", "", "dir", "../a.csv"):
        writer.get(f"{AT}/net/v0/file?name={name}", 404)


def test_what_a_run_names_is_found_by_the_clients_own_name(writer: Writer) -> None:
    run = "/alice/p/runs/user"
    assert writer.take(f"{run}/held/{'c' * 64}/dir/%C3%A9%20b.txt") == b"words"
    for path in (f"{run}/held/{'d' * 64}/model.bin", f"{run}/held/{'c' * 64}/far", f"/alice/p/runs/none/held/{'c' * 64}/model.bin"):
        writer.get(path, 404)
    # Whoever knows that name and has a run of the same name finds nothing.
    stranger = Writer(writer.house, writer.house.person("bob"))
    stranger.begin("user")
    stranger.get(f"/bob/p/runs/user/held/{'c' * 64}/model.bin", 404)


def test_lineage_goes_one_step_further_on_both_sides(writer: Writer) -> None:
    told = writer.get(f"{AT}/net/v0/lineage")
    maker = told["loggedBy"]
    assert (maker["run"]["name"], [each["collection"] for each in maker["artifacts"]], maker["more"]) == ("maker", ["raw"], 0)
    users = [
        (each["run"]["project"], each["run"]["displayName"], [node["collection"] for node in each["artifacts"]]) for each in told["usedBy"]
    ]
    assert users == [("p", "the user", []), ("q", "the other", ["scores"])]
    assert told["usedBy"][1]["artifacts"][0]["project"] == "q"
    assert told["more"] is False
    assert writer.get("/alice/q/collections/elsewhere/v0/lineage") == told, "a link has the lineage of what it leads to"
    of_run = writer.get("/alice/p/runs/maker/artifacts")
    assert [(each["collection"], each["version"]) for each in of_run["logged"]] == [("net", "v0"), ("net", "v1"), ("net", "v2")]
    assert [(each["collection"], each["version"]) for each in of_run["used"]] == [("raw", "v0")]
    assert (of_run["moreLogged"], of_run["moreUsed"]) == (0, 0)


def test_what_deleting_frees_is_what_nothing_else_in_the_project_needs(writer: Writer) -> None:
    both, ones, twos = b"b" * 40, b"1" * 500, b"2" * 3
    # Another project's bytes are its own.
    for project in ("r", "s"):
        writer.begin("maker", project)
    writer.log("freed", {"both": both, "ones": ones, "again": ones}, project="r", refs={"far": "s3://far"})
    writer.log("freed", {"both": both, "twos": twos}, project="r")
    writer.log("freed", {"ones": ones}, project="s")
    manifests = [
        manifest_of(lines_of({"both": both, "ones": ones, "again": ones}) | {"far": {"digest": "etag", "size": 7, "ref": "s3://far"}}),
        manifest_of(lines_of({"both": both, "twos": twos})),
    ]
    sizes = [writer.get(f"/alice/r/collections/freed/v{number}/freed")["bytes"] for number in range(2)]
    assert sizes == [500 + len(manifests[0]), 3 + len(manifests[1])]


def test_a_long_lineage_says_that_there_is_more(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_NEAR", 1)
    monkeypatch.setattr(pages, "_OF_RUN", 1)
    told = writer.get(f"{AT}/net/v0/lineage")
    assert ([each["run"]["name"] for each in told["usedBy"]], told["more"]) == (["user"], True)
    assert writer.get(f"{AT}/raw/v0/lineage")["usedBy"][0]["more"] == 2, "the run logged three versions"
    assert writer.get("/alice/p/runs/maker/artifacts")["moreLogged"] == 2


@pytest.mark.parametrize("path", ["none", "none/v0/about", "net/v9/about", "net/none/files", "net/v00/lineage", "net/v9/freed"])
def test_what_is_not_there(writer: Writer, path: str) -> None:
    writer.get(f"{AT}/{path}", 404)


def test_names_that_no_database_has_a_place_for_are_refused_for_good(writer: Writer) -> None:
    at, run = f"{AT}/net/v0", "/alice/p/runs/user"
    for path in (
        f"{AT}/%00",
        f"{AT}/net/%00/about",
        f"{at}/file?name=%00",
        f"{run}/held/%00/model.bin",
        f"{run}/held/{'c' * 64}/%00",
        "/alice/p/artifacts/%00/v0",
        "/alice/p/artifacts/net/%00",
    ):
        answer = writer.house.visitor().signed_in("alice").get(path)
        # SQLite finds nothing under such a name, PostgreSQL takes none.
        assert answer.status_code in (400, 404), path
    for path in (f"{AT}?type=%00", f"{at}/files?after=%00"):
        assert writer.house.client.get(path, headers=writer.headers).status_code in (200, 400), path
    writer.act(at, 400, act="alias", alias="\0")


def test_pages_are_there_for_what_is_there(writer: Writer) -> None:
    visitor = writer.house.visitor().signed_in("alice")
    page = visitor.get("/alice/p/artifacts/net/best")
    assert page.status_code == 200
    for part in ('data-page="version"', 'data-collection="net"', 'data-version="best"', "data-form-token=", "<title>net:best"):
        assert part in page.text
    assert 'data-page="artifacts"' in visitor.get("/alice/p/artifacts").text
    for path in ("/alice/p/artifacts/net/v9", "/alice/p/artifacts/none/v0", "/alice/none/artifacts", "/bob/p/artifacts"):
        assert visitor.get(path).status_code == 404, path


@pytest.fixture
def fresh(house: House) -> Writer:
    """Somebody with a version that shares bytes with another one."""
    writer = Writer(house, house.person("alice"))
    writer.begin("maker")
    writer.log("net", {"shared": b"s" * 100}, aliases=("best",))
    writer.log("net", {"shared": b"s" * 100, "own": b"o" * 30})
    return writer


def browser(writer: Writer) -> tuple[Visitor, dict[str, str]]:
    visitor = writer.house.visitor().signed_in("alice")
    token = visitor.get("/alice/p/artifacts").text.split('data-form-token="')[1].split('"')[0]
    return visitor, {"Sec-Fetch-Site": "same-origin", "X-Form-Token": token, "Accept": "application/json"}


def test_aliases_come_and_go(fresh: Writer) -> None:
    assert fresh.act(f"{AT}/net/v1", act="alias", alias="prod") == {"aliases": ["latest", "prod"]}
    assert fresh.act(f"{AT}/net/v1", act="alias", alias="best") == {"aliases": ["best", "latest", "prod"]}
    assert fresh.get(f"{AT}/net/v0/about")["aliases"] == [], "an alias names one version"
    assert fresh.act(f"{AT}/net/prod", act="unalias", alias="prod") == {"aliases": ["best", "latest"]}
    assert fresh.act(f"{AT}/net/v1", act="unalias", alias="none") == {"aliases": ["best", "latest"]}
    for alias in ("", "v3", "a/b", "x" * 129, "latest"):
        fresh.act(f"{AT}/net/v1", 400, act="alias", alias=alias)
    fresh.act(f"{AT}/net/v1", 400, act="unalias", alias="latest")
    fresh.act(f"{AT}/net/v1", 400, act="rename", alias="x")
    fresh.act(f"{AT}/net/v9", 404, act="alias", alias="x")
    assert fresh.get(f"{AT}/net/latest/about")["version"] == "v1"


def test_a_version_is_deleted_with_its_aliases(fresh: Writer) -> None:
    manifest = len(manifest_of(lines_of({"shared": b"s" * 100, "own": b"o" * 30})))
    assert fresh.get(f"{AT}/net/v1/freed") == {"bytes": 30 + manifest}, "what v0 needs as well stays"
    fresh.act(f"{AT}/net/latest", 400, act="delete")
    assert fresh.act(f"{AT}/net/v1", act="delete") == {"aliases": []}
    assert [(each["version"], each["aliases"]) for each in fresh.get(f"{AT}/net")["versions"]] == [("v0", ["best", "latest"])]
    fresh.act(f"{AT}/net/v1", 404, act="delete")
    assert fresh.get(AT)["collections"][0]["newest"] == 0
    fresh.act(f"{AT}/net/v0", act="delete")
    assert [(each["versions"], each["newest"]) for each in fresh.get(AT)["collections"]] == [(0, None)]


def test_a_link_is_not_deleted_for_the_version(fresh: Writer) -> None:
    fresh.link(fresh.log("other", {"a": b"a"}), "picked")
    assert "delete it there" in fresh.act(f"{AT}/picked/v0", 400, act="delete")["error"]
    assert fresh.act(f"{AT}/picked/v0", act="alias", alias="prod") == {"aliases": ["latest", "prod"]}
    assert fresh.get(f"{AT}/other/v0/about")["aliases"] == ["latest"], "the names in a portfolio are its own"


def test_who_may_delete(fresh: Writer) -> None:
    machine = fresh.house.person("alice", "machine")
    by_machine = {"Authorization": f"Bearer {machine.secret}"}
    assert fresh.house.client.post(f"{AT}/net/v1/acts", json={"act": "delete"}, headers=by_machine).status_code == 403
    assert fresh.house.client.post(f"{AT}/net/v1/acts", json={"act": "alias", "alias": "x"}, headers=by_machine).status_code == 200
    visitor, ours = browser(fresh)
    for missing in ("Sec-Fetch-Site", "X-Form-Token"):
        headers = {name: value for name, value in ours.items() if name != missing}
        assert visitor.client.post(f"{AT}/net/v1/acts", json={"act": "delete"}, headers=headers).status_code == 403, missing
    assert visitor.client.post(f"{AT}/net/v1/acts", content=b"{}", headers=ours).status_code == 400, "it must say that it is JSON"
    assert visitor.client.post(f"{AT}/net/v1/acts", json={"act": "delete"}, headers=ours).status_code == 200


def test_for_a_day_the_bytes_are_still_there_and_then_those_that_nothing_needs_go(fresh: Writer) -> None:
    own, shared = (
        fresh.house.client.get(f"{AT}/net/v1/file?name={name}", headers=fresh.headers).headers["location"] for name in ("own", "shared")
    )
    fresh.act(f"{AT}/net/v1", act="delete")
    # What a program is downloading is not cut off.
    assert fresh.house.client.get(own).content == b"o" * 30
    purge_due(fresh.house.database, fresh.house.clock())
    sweep_due(fresh.house.database)
    assert fresh.house.client.get(own).status_code == 404
    assert fresh.house.client.get(shared).content == b"s" * 100
    assert fresh.take(f"{AT}/net/v0/file?name=shared") == b"s" * 100


def test_a_file_is_found_by_its_md5_as_long_as_a_version_has_it(writer: Writer) -> None:
    writer.log("said", {"deep/words.txt": b"said once"}, refs={"far": "s3://far"})
    digest = hashlib.md5(b"said once").hexdigest()

    def get(path: str, **headers: str) -> Any:
        return writer.house.client.get(path, headers=headers or writer.headers)

    for path in (
        f"/artifacts/alice/{digest}",
        f"/artifactsV2/default/alice/QXJ0aWZhY3Q6MQ%3D%3D/{digest}",
        f"/artifactsV2/default/alice//{digest}",
        f"/artifactsV2/default/alice/p/data/QXJ0aWZhY3Q6MQ%3D%3D/{digest}/words.txt",
        f"/artifactsV2/gcp-us/alice/p/data/QXJ0aWZhY3Q6MQ%3D%3D//{digest}/who?#.txt",
    ):
        answer = get(path)
        assert answer.status_code == 303, path
        file = get(answer.headers["location"])
        assert (file.content, file.headers["content-disposition"]) == (b"said once", "attachment; filename*=UTF-8''words.txt")
    basic = base64.b64encode(f"api:{writer.person.secret}".encode()).decode()
    assert get(f"/artifacts/alice/{digest}", Authorization=f"Basic {basic}").status_code == 303
    for path in (
        f"/artifacts/alice/{'0' * 32}",
        "/artifacts/alice/etag",
        f"/artifacts/zoe/{digest}",
        f"/artifactsV2/default/alice/{digest}/x/y",
    ):
        assert get(path).status_code == 404, path
    version = writer.ask('{ project(name: "p") { artifact(name: "said") { id } } }')["project"]["artifact"]["id"]
    writer.ask("mutation($i: ID!) { deleteArtifact(input: {artifactID: $i, deleteAliases: true}) { artifact { id } } }", i=version)
    assert get(f"/artifacts/alice/{digest}").status_code == 404
