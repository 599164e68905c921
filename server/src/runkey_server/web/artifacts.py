"""What the pages of artifacts ask for: collections by type, their versions, what one holds, its lineage; and what is done to a version.

Routes: below `/{entity}/{project}/collections`: `GET` itself, `GET …/{collection}`; below `…/{collection}/{version}`, which is `v3`
or an alias: `GET …/about`, `…/files`, `…/file?name=`, `…/lineage`, `…/freed`, `POST …/acts`. Below a run: `GET …/artifacts`, and
`…/held/{client_id}/{name}` for what a run's own tables name. Programs may ask the same, with a key. `/artifacts/…` and `/artifactsV2/…`
are where the official client looks for a file by its MD5.
"""

import base64
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from anyio import to_thread

from runkey_server import accounts, artifacts, claiming
from runkey_server.artifacts import AliasOf, Artifact, Collection, Entry, Membership
from runkey_server.asgi.actor import Actor
from runkey_server.asgi.responses import send_json, send_redirect
from runkey_server.errors import Error
from runkey_server.files import Signer
from runkey_server.projects import Project, find_project_by_id
from runkey_server.runs import Run
from runkey_server.web.pages import Pages
from runkey_server.web.reading import Request, find_project, find_run, read_act, read_skip

_COLLECTIONS = 200
_VERSIONS = 100
_FILES = 500
_HEX_MD5 = re.compile("[0-9a-fA-F]{32}")
_LINKS = 100
_NEAR = 20
"""Runs that used a version, and versions beside each run, in its lineage: more than a picture can show."""

_OF_RUN = 100


class OnVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do to a version. alias: for `alias` and `unalias`."""

    act: Literal["alias", "unalias", "delete"]
    alias: str = ""


class Artifacts:
    """The handlers."""

    def __init__(self, pages: Pages, signer: Signer) -> None:
        """Serve one worker."""
        self._database = pages.database
        self._clock = pages.clock
        self._signer = signer
        self._caps = pages.offer.caps

    async def collections(self, request: Request) -> None:
        """Answer with collections by type and name, and all types: `{"types": [{"name", "collections"} …], "collections": […], "more"}`.

        `type`: of this type alone; `skip`: so many are left out. `versions`: how many it has; `newest`: the number of the last one.
        """
        skip, type_name = read_skip(request), request.query.get("type")

        def read(transaction: sa.Connection) -> dict[str, Any]:
            project = find_project(transaction, request)
            types = artifacts.count_collections(transaction, project.id)
            found, total = artifacts.list_collections(
                transaction, project, type_name, filters=None, order="+type", skip=skip, at_most=_COLLECTIONS
            )
            counts = artifacts.count_versions(transaction, [collection.id for collection in found])
            told = [
                {**_collection(each), **dict(zip(("versions", "newest"), counts.get(each.id, (0, None)), strict=True))} for each in found
            ]
            return {
                "types": [{"name": name, "collections": count} for name, count in types],
                "collections": told,
                "more": skip + len(found) < total,
            }

        await self._answer(request, read)

    async def versions(self, request: Request) -> None:
        """Answer with versions of a collection, the newest first: `{"collection", "versions": […], "more"}`; `skip` leaves out so many."""
        skip = read_skip(request)

        def read(transaction: sa.Connection) -> dict[str, Any]:
            collection = _find_collection(transaction, request)
            found, total = artifacts.list_versions(transaction, request.actor, collection, skip=skip, at_most=_VERSIONS)
            makers = {
                run_id: artifacts.find_run(transaction, request.actor, run_id)
                for run_id in {each.artifact.run_id for each in found}
                if run_id
            }
            told = [
                {
                    **_version(each.place, each.artifact, each.aliases),
                    "loggedBy": self._run(makers.get(each.artifact.run_id or 0)),
                }
                for each in found
            ]
            return {"collection": _collection(collection), "versions": told, "more": skip + _VERSIONS < total}

        await self._answer(request, read)

    async def about(self, request: Request) -> None:
        """Answer with what is known of a version but for its files and its lineage.

        `source`: for a link, the version that is meant, else null; `links`: its places in portfolios.
        """

        def read(transaction: sa.Connection) -> dict[str, Any]:
            collection, place, artifact = _find(transaction, request)
            names = _Names(transaction)
            return {
                "collection": _collection(collection),
                **_version(place, artifact, artifacts.list_aliases_at(transaction, [place.id]).get(place.id, ())),
                "description": artifact.description,
                "metadata": _metadata(artifact),
                "expiresAt": None if artifact.expires_at is None else artifact.expires_at.timestamp(),
                "loggedBy": self._run(self._maker(transaction, request.actor, artifact)),
                "source": names.node(artifact) if collection.kind == "PORTFOLIO" else None,
                "links": _links(transaction, request.actor, artifact, names),
            }

        await self._answer(request, read)

    async def list_files(self, request: Request) -> None:
        """Answer with what a version holds by path: `{"files": [{"name", "bytes", "digest", "ref"} …], "count", "more"}`.

        `after`: of later paths. ref: where a reference lies; null for bytes that are here, which `…/file?name=` gives.
        """

        def read(transaction: sa.Connection) -> dict[str, Any]:
            _, _, artifact = _find(transaction, request)
            found = artifacts.list_entries(transaction, artifact.id, after=request.query.get("after"), at_most=_FILES + 1)
            told = [{"name": each.path, "bytes": each.size_bytes, "digest": each.digest, "ref": each.ref} for each in found[:_FILES]]
            return {"files": told, "count": artifact.file_count, "more": len(found) > _FILES}

        await self._answer(request, read)

    async def file(self, request: Request) -> None:
        """Lead to the bytes of a file, under a signed address of an hour. What lies elsewhere is fetched from there, and never by us."""

        def find(transaction: sa.Connection) -> str:
            _, _, artifact = _find(transaction, request)
            return self._address(transaction, artifact, request.query.get("name", ""))

        await send_redirect(request.send, await to_thread.run_sync(partial(self._reading, find)))

    async def lineage(self, request: Request) -> None:
        """Answer with the run that logged a version and what that one used, and the runs that used it and what those logged.

        `{"loggedBy": {run, "artifacts": […], "more"} or null, "usedBy": [{run, "artifacts", "more"} …], "more": whether others used it}`.
        """

        def read(transaction: sa.Connection) -> dict[str, Any]:
            actor = request.actor
            _, _, artifact = _find(transaction, request)
            names = _Names(transaction)
            maker = self._maker(transaction, actor, artifact)
            users = artifacts.list_users(transaction, actor, artifact, at_most=_NEAR + 1)

            def beside(run: Run, list_page: Callable[..., tuple[list[Artifact], int]]) -> dict[str, Any]:
                found, total = list_page(transaction, actor, run, skip=0, at_most=_NEAR)
                told = [names.node(each) for each in found if each.id != artifact.id]
                return {"run": self._run(run), "artifacts": told, "more": total - len(found)}

            return {
                "loggedBy": None if maker is None else beside(maker, artifacts.list_inputs),
                "usedBy": [beside(run, artifacts.list_outputs) for run in users[:_NEAR]],
                "more": len(users) > _NEAR,
            }

        await self._answer(request, read)

    async def freed(self, request: Request) -> None:
        """Answer with the bytes that go when a version goes, which no other version needs: `{"bytes"}`."""

        def read(transaction: sa.Connection) -> dict[str, Any]:
            _, _, artifact = _find(transaction, request)
            return {"bytes": artifacts.measure_freed(transaction, artifact)}

        await self._answer(request, read)

    async def act(self, request: Request) -> None:
        """Do an OnVersion; answer with its aliases by now: `{"aliases": [alias …]}`. Deleted, with its aliases, it is found no more."""
        asked = await read_act(request, OnVersion)
        if asked.alias == artifacts.LATEST:
            raise Error("invalid", f"`{artifacts.LATEST}` names the newest version by itself.")

        def write() -> dict[str, Any]:
            with self._database.writing() as transaction:
                collection, place, artifact = _find(transaction, request)
                if asked.act == "delete":
                    # What an alias names may be another version by now than whoever asks has seen.
                    if request.path["version"] != f"v{place.version_index}":
                        raise Error("invalid", "Say by its number which version is to be deleted.")
                    if collection.kind == "PORTFOLIO":
                        raise Error("invalid", f"This is a link to a version of {artifact.collection_name!r}: delete it there.")
                    artifacts.delete_artifact(transaction, request.actor, artifact.id, self._clock(), with_aliases=True)
                else:
                    change = artifacts.add_aliases if asked.act == "alias" else artifacts.remove_aliases
                    named = AliasOf(request.path["entity"], request.path["project"], collection.name, asked.alias)
                    owner = accounts.find_account_by_id(transaction, artifact.account_id)
                    account_id = owner.id if owner is not None and owner.is_anonymous else None
                    with claiming.counting(transaction, account_id, self._caps, lambda: artifacts.weigh(transaction, artifact)):
                        change(transaction, request.actor, artifact.id, [named])
                return {"aliases": artifacts.list_aliases_at(transaction, [place.id]).get(place.id, ())}

        # After the commit.
        await send_json(request.send, await to_thread.run_sync(write))

    async def of_run(self, request: Request) -> None:
        """Answer with the versions that a run logged and used, the first of them: `{"logged", "used", "moreLogged", "moreUsed"}`."""

        def read(transaction: sa.Connection) -> dict[str, Any]:
            run = find_run(transaction, request)
            names = _Names(transaction)
            logged, all_logged = artifacts.list_outputs(transaction, request.actor, run, skip=0, at_most=_OF_RUN)
            used, all_used = artifacts.list_inputs(transaction, request.actor, run, skip=0, at_most=_OF_RUN)
            return {
                "logged": [names.node(each) for each in logged],
                "used": [names.node(each) for each in used],
                "moreLogged": all_logged - len(logged),
                "moreUsed": all_used - len(used),
            }

        await self._answer(request, read)

    async def held(self, request: Request) -> None:
        """Lead to a file of the version that a run's table names by the client's own name for it."""

        def find(transaction: sa.Connection) -> str:
            find_run(transaction, request)
            artifact = artifacts.find_by_client_id(transaction, request.actor, request.path["client_id"])
            if artifact is None:
                raise _nothing()
            return self._address(transaction, artifact, request.path["name"])

        await send_redirect(request.send, await to_thread.run_sync(partial(self._reading, find)))

    async def by_digest(self, request: Request) -> None:
        """Lead to a file by its MD5 alone, where the official client looks for one whose address it did not ask for.

        `/artifacts/{entity}/{hex}`; `/artifactsV2/{region}/{entity}/…/{hex}`, and `…/{hex}/{file name}` in newer ones, where `…` says in
        which version it was first and in which it is looked for. The name comes as it is, so a `?` or `#` in it has cut it off.
        """

        def find(transaction: sa.Connection) -> str:
            found = artifacts.find_by_content(transaction, request.actor, request.path["entity"], _md5_in(request.path["digest"]))
            if found is None:
                raise _nothing()
            artifact, path = found
            return self._address(transaction, artifact, path)

        await send_redirect(request.send, await to_thread.run_sync(partial(self._reading, find)))

    def _reading(self, read: Callable[[sa.Connection], Any]) -> Any:
        with self._database.reading() as transaction:
            return read(transaction)

    async def _answer(self, request: Request, read: Callable[[sa.Connection], dict[str, Any]]) -> None:
        await send_json(request.send, await to_thread.run_sync(partial(self._reading, read)))

    def _address(self, transaction: sa.Connection, artifact: Artifact, name: str) -> str:
        found: list[Entry] = artifacts.list_entries(transaction, artifact.id, names=[name])
        if not found or found[0].ref is not None:
            raise Error("not_found", "There is no such file.")
        return self._signer.blob_path("GET", artifact.project_id, found[0].digest, found[0].path)

    def _maker(self, transaction: sa.Connection, actor: Actor, artifact: Artifact) -> Run | None:
        return None if artifact.run_id is None else artifacts.find_run(transaction, actor, artifact.run_id)

    def _run(self, run: Run | None) -> dict[str, Any] | None:
        if run is None:
            return None
        state = run.state(self._clock())
        return {"entity": run.entity, "project": run.project, "name": run.name, "displayName": run.display_name, "state": state}


class _Names:
    """Says where versions are, in whichever project, and looks each project up once."""

    def __init__(self, transaction: sa.Connection) -> None:
        self._transaction = transaction
        self._projects: dict[int, Project | None] = {}

    def node(self, artifact: Artifact) -> dict[str, Any]:
        """Tell what a version is and where it was logged."""
        where = self.of(artifact.project_id)
        return {**where, "collection": artifact.collection_name, "version": f"v{artifact.version_index}", "type": artifact.type_name}

    def of(self, project_id: int) -> dict[str, str]:
        """Tell where a project is."""
        if project_id not in self._projects:
            self._projects[project_id] = find_project_by_id(self._transaction, project_id)
        project = self._projects[project_id]
        return {"entity": "", "project": ""} if project is None else {"entity": project.entity, "project": project.name}


def _find_collection(transaction: sa.Connection, request: Request) -> Collection:
    found = artifacts.find_collection(transaction, find_project(transaction, request), request.path["collection"])
    if found is None:
        raise _nothing()
    return found


def _find(transaction: sa.Connection, request: Request) -> tuple[Collection, Membership, Artifact]:
    """Find the version of an address. Raises Error `not_found`."""
    collection = _find_collection(transaction, request)
    place = artifacts.find_membership(transaction, collection, request.path["version"])
    artifact = None if place is None else artifacts.find_artifact(transaction, request.actor, place.artifact_id)
    if place is None or artifact is None:
        raise _nothing()
    return collection, place, artifact


def _md5_in(place: str) -> str:
    """Find the digest, base64. Raises Error `not_found` where there is none."""
    parts = place.split("/")
    # birth, digest; project, collection, birth, digest, name; project, collection, version, birth, digest, name.
    digest = {1: 0, 2: 1, 5: 3, 6: 4}.get(len(parts))
    if digest is None or not _HEX_MD5.fullmatch(parts[digest]):
        raise _nothing()
    return base64.b64encode(bytes.fromhex(parts[digest])).decode()


def _nothing() -> Error:
    return Error("not_found", "There is no such artifact.")


def _collection(collection: Collection) -> dict[str, Any]:
    return {
        "name": collection.name,
        "kind": collection.kind,
        "type": collection.type_name,
        "description": collection.description,
        "tags": collection.tags,
        "updatedAt": collection.updated_at.timestamp(),
    }


def _version(place: Membership, artifact: Artifact, aliases: tuple[str, ...]) -> dict[str, Any]:
    return {
        "version": f"v{place.version_index}",
        "aliases": aliases,
        "tags": artifact.tags,
        "state": artifact.state,
        "digest": artifact.digest,
        "bytes": artifact.size_bytes,
        "files": artifact.file_count,
        "createdAt": artifact.created_at.timestamp(),
    }


def _links(transaction: sa.Connection, actor: Actor, artifact: Artifact, names: _Names) -> list[dict[str, Any]]:
    places = artifacts.list_places(transaction, [artifact.id], _LINKS)
    aliases = artifacts.list_aliases_at(transaction, [place.id for place in places])
    told = []
    for place in places:
        portfolio = artifacts.find_collection_by_id(transaction, actor, place.collection_id)
        if portfolio is not None and portfolio.kind == "PORTFOLIO":
            where = {"collection": portfolio.name, "version": f"v{place.version_index}", "type": portfolio.type_name}
            told.append({**names.of(portfolio.project_id), **where, "aliases": aliases.get(place.id, ())})
    return told


def _metadata(artifact: Artifact) -> dict[str, Any]:
    """Read the metadata, which was looked over when it came."""
    told = json.loads(artifact.metadata)
    return told if isinstance(told, dict) else {}
