"""Logs artifacts in this process, as the official client does over the wire: begun, announced, sent, committed. On either database."""

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import sqlalchemy as sa
from house import Person, StillClock
from manifests import lines_of, manifest_of, md5_of

from runkey_server import artifacts, projects
from runkey_server.artifacts import Artifact, Manifest, Wanted
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.files import Directory, Grant, Sweeper, save
from runkey_server.files.tables import blobs


def number_of(global_id: str) -> int:
    """Read a version's number out of what manifests call it here: the number alone."""
    try:
        return int(global_id)
    except ValueError:
        raise Error("invalid", "That is no id.") from None


@dataclass
class Shelf:
    """The artifacts of one project of a person."""

    database: Database
    folder: Path
    clock: StillClock
    person: Person
    project: str = "p"

    def __post_init__(self) -> None:
        self.directory = Directory(self.folder)
        with self.database.writing() as transaction:
            opened, _ = projects.open_project(transaction, self.person.actor, None, self.project, self.clock())
        self.project_id = opened.id

    def begin(self, name: str = "data", *, aliases: Sequence[str] = (), kind: str = "dataset", digest: str = "", **more: Any) -> Artifact:
        """Begin a version."""
        with self.database.writing() as transaction:
            return self.begin_in(transaction, name, aliases=aliases, kind=kind, digest=digest, **more)

    def begin_in(
        self,
        transaction: sa.Connection,
        name: str = "data",
        *,
        aliases: Sequence[str] = (),
        kind: str = "dataset",
        digest: str = "",
        **more: Any,
    ) -> Artifact:
        """Begin a version in a transaction that is under way."""
        wanted = Wanted(None, self.project, None, kind, name, digest, tuple(aliases), **more)
        return artifacts.create(transaction, self.person.actor, wanted, self.clock())

    def announce(self, artifact_id: int, files: dict[str, bytes]) -> set[str]:
        """Say what a version will hold; give the digests of what is not here."""
        named = [(path, md5_of(body)) for path, body in files.items()]
        with self.database.writing() as transaction:
            _, here = artifacts.announce(transaction, self.person.actor, artifact_id, named, self.clock())
        return {md5 for _, md5 in named} - here

    def send(self, body: bytes, md5: str | None = None, project_id: int | None = None) -> None:
        """Send bytes under a digest, by default their own."""

        async def chunks() -> AsyncIterator[bytes]:
            yield body

        grant = Grant("PUT", "blob", project_id or self.project_id, "", md5 or md5_of(body), 1 << 30, self.clock())
        anyio.run(save, self.database, self.directory, grant, chunks(), self.clock(), artifacts.note_arrival)

    def put_manifest(self, artifact_id: int, body: bytes, kind: Any = "FULL", base: int | None = None, *, sends: bool = True) -> Manifest:
        """Announce a manifest, and send it."""
        with self.database.writing() as transaction:
            made = artifacts.put_manifest(transaction, self.person.actor, artifact_id, kind, md5_of(body), base, self.clock())
        if sends:
            self.send(body)
        return made

    def commit(self, artifact_id: int) -> Artifact:
        """Commit a version."""
        with self.database.writing() as transaction:
            return artifacts.commit(transaction, self.directory, self.person.actor, artifact_id, number_of, self.clock())

    def log(self, files: dict[str, bytes], name: str = "data", **more: Any) -> Artifact:
        """Log a version whole."""
        made = self.begin(name, **more)
        if made.state == "COMMITTED":
            return made
        missing = self.announce(made.id, files)
        for body in files.values():
            if md5_of(body) in missing:
                self.send(body)
        self.put_manifest(made.id, manifest_of(lines_of(files)))
        return self.commit(made.id)

    def delete(self, artifact_id: int) -> None:
        """Delete a version with its aliases."""
        with self.database.writing() as transaction:
            artifacts.delete_artifact(transaction, self.person.actor, artifact_id, self.clock(), with_aliases=True)

    def sweep(self) -> None:
        """Purge what was deleted until now, and free what nothing needs."""
        artifacts.purge_due(self.database, self.clock())
        artifacts.sweep_due(self.database)

    def sweep_bytes(self) -> None:
        """Remove from the disk what no row names, as if it had lain there for long."""
        for path in self.folder.glob("??/*"):
            os.utime(path, (0, 0))
        Sweeper(self.database, self.directory).sweep_due()

    def here(self) -> dict[str, int]:
        """Give the blobs of the project: digest and size."""
        with self.database.reading() as transaction:
            found = sa.select(blobs.c.md5, blobs.c.size_bytes).where(blobs.c.project_id == self.project_id)
            return {row.md5: row.size_bytes for row in transaction.execute(found)}

    def find(self, name: str) -> Artifact | None:
        """Find a version by `collection:alias`."""
        with self.database.reading() as transaction:
            project = projects.find_project(transaction, self.person.actor, None, self.project)
            place = artifacts.find_by_name(transaction, project, name) if project else None
            return artifacts.find_artifact(transaction, self.person.actor, place.artifact_id) if place else None

    def paths(self, artifact_id: int) -> dict[str, str]:
        """Give what a version holds: path and digest."""
        with self.database.reading() as transaction:
            return {entry.path: entry.digest for entry in artifacts.list_entries(transaction, artifact_id)}
