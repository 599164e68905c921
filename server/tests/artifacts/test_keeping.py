"""Any life that artifacts may have: what is committed has its bytes, what deleting frees is what was said, and nothing stays for nobody."""

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from manifests import lines_of, manifest_of, md5_of
from shelf import Shelf

from runkey_server import artifacts
from runkey_server.artifacts import AliasOf
from runkey_server.errors import Error

BODIES = [bytes([65 + number]) * (number + 1) for number in range(9)]
FILES = st.dictionaries(st.sampled_from("abc"), st.sampled_from(BODIES), min_size=1, max_size=3)
NAME = st.sampled_from(["x", "y"])
WHICH = st.integers(0, 7)
ACT = st.one_of(
    st.tuples(st.just("begin"), NAME),
    st.tuples(st.just("announce"), WHICH, FILES),
    st.tuples(st.just("send"), st.sampled_from(BODIES)),
    st.tuples(st.just("manifest"), WHICH, FILES),
    st.tuples(st.just("commit"), WHICH),
    st.tuples(st.just("log"), NAME, FILES, FILES),
    st.tuples(st.just("log"), NAME, FILES, FILES),
    st.tuples(st.just("alias"), WHICH, st.sampled_from(["best", "latest"])),
    st.tuples(st.just("unalias"), WHICH, st.sampled_from(["best", "latest"])),
    st.tuples(st.just("delete"), WHICH),
    st.tuples(st.just("purge")),
    st.tuples(st.just("free"), WHICH),
)


class Model:
    """What there should be, beside the shelf that is tried: by the number of each version, what it holds or was announced to."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.ids: list[int] = []
        self.pending: dict[int, dict[str, bytes]] = {}
        self.manifests: dict[int, dict[str, bytes]] = {}
        self.committed: dict[int, dict[str, bytes]] = {}
        self.deleted: dict[int, set[str]] = {}
        self.names: dict[int, str] = {}

    def needs(self, artifact_id: int) -> set[str]:
        """Say which bytes a version needs."""
        files = {md5_of(body) for body in self.committed.get(artifact_id, self.pending.get(artifact_id, {})).values()}
        manifest = self.manifests.get(artifact_id)
        return files | ({md5_of(manifest_of(lines_of(manifest)))} if manifest is not None else set())

    def alive(self) -> set[int]:
        return self.pending.keys() | self.committed.keys()

    def pick(self, which: int, of: Any) -> int | None:
        some = [each for each in self.ids if each in of]
        return some[which % len(some)] if some else None

    def begin(self, name: str) -> int:
        made = self.shelf.begin(name, deduplicates=False)
        self.ids.append(made.id)
        self.pending[made.id], self.names[made.id] = {}, name
        return made.id

    def announce(self, which: int, files: dict[str, bytes]) -> None:
        artifact_id = self.pick(which, self.pending)
        if artifact_id is not None:
            here = self.shelf.here().keys()
            assert self.shelf.announce(artifact_id, files) == {md5_of(body) for body in files.values()} - here
            self.pending[artifact_id] |= files

    def send(self, body: bytes) -> None:
        self.shelf.send(body)

    def manifest(self, which: int, files: dict[str, bytes]) -> None:
        artifact_id = self.pick(which, self.pending)
        if artifact_id is not None:
            self.shelf.put_manifest(artifact_id, manifest_of(lines_of(files)))
            self.manifests[artifact_id] = files

    def commit(self, which: int) -> None:
        artifact_id = self.pick(which, self.pending)
        if artifact_id is None:
            return
        here = self.shelf.here().keys()
        files = self.manifests.get(artifact_id)
        try:
            self.shelf.commit(artifact_id)
        except Error:
            assert files is None or {md5_of(body) for body in files.values()} - here
        else:
            assert files is not None
            del self.pending[artifact_id]
            self.committed[artifact_id] = files

    def log(self, name: str, files: dict[str, bytes], more: dict[str, bytes]) -> None:
        """Log some files, and send others on the way that somebody thought better of."""
        artifact_id = self.begin(name)
        which = [each for each in self.ids if each in self.pending].index(artifact_id)
        self.manifest(which, more)
        for announced in (more, files):
            self.announce(which, announced)
            for body in announced.values():
                if md5_of(body) not in self.shelf.here():
                    self.send(body)
        self.manifest(which, files)
        self.commit(which)
        assert artifact_id in self.committed

    def alias(self, which: int, alias: str, change: Any = artifacts.add_aliases) -> None:
        artifact_id = self.pick(which, self.committed)
        if artifact_id is not None:
            wanted = AliasOf(None, self.shelf.project, self.names[artifact_id], alias)
            with self.shelf.database.writing() as transaction:
                change(transaction, self.shelf.person.actor, artifact_id, [wanted])

    def unalias(self, which: int, alias: str) -> None:
        self.alias(which, alias, artifacts.remove_aliases)

    def delete(self, which: int) -> None:
        artifact_id = self.pick(which, self.alive())
        if artifact_id is not None:
            self.deleted[artifact_id] = self.needs(artifact_id)
            self.shelf.delete(artifact_id)
            self.pending.pop(artifact_id, None)
            self.committed.pop(artifact_id, None)

    def purge(self) -> None:
        self.shelf.sweep()
        self.deleted.clear()
        needed = set().union(*(self.needs(each) for each in self.alive()))
        assert self.shelf.here().keys() <= needed, "nothing stays that nobody needs"

    def free(self, which: int) -> None:
        """Delete one, and hold what goes against what was said."""
        self.purge()
        artifact_id = self.pick(which, self.alive())
        if artifact_id is not None:
            with self.shelf.database.reading() as transaction:
                artifact = artifacts.get_artifact(transaction, self.shelf.person.actor, "read", artifact_id)
                told = artifacts.measure_freed(transaction, artifact)
            before = sum(self.shelf.here().values())
            self.delete(which)
            self.purge()
            assert before - sum(self.shelf.here().values()) == told

    def check(self) -> None:
        here = self.shelf.here().keys()
        for artifact_id, files in self.committed.items():
            assert self.shelf.paths(artifact_id) == {path: md5_of(body) for path, body in files.items()}
            assert self.needs(artifact_id) <= here
        for name in ("x", "y"):
            latest = self.shelf.find(f"{name}:latest")
            some = [each for each in self.committed if self.names[each] == name]
            assert (latest.id in some) if latest else not some


# Without making a failure smaller, which takes minutes on a database.
@settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACT, min_size=8, max_size=25))
def test_bytes_are_kept_for_as_long_as_somebody_needs_them(ground: Any, tmp_path: Path, acts: list[tuple[Any, ...]]) -> None:
    model = Model(ground.shelf(tmp_path / "files"))
    for act, *arguments in acts:
        getattr(model, act)(*arguments)
        model.check()
    model.purge()
    for _ in list(model.alive()):
        model.delete(0)
    model.purge()
    assert model.shelf.here() == {}
