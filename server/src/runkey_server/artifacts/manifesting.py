"""Reads and writes manifests: JSON lists of what a version holds, in the form of the official client (version 1, storage layout V2)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from runkey_server.artifacts.creating import check_md5
from runkey_server.artifacts.limiting import MAX_ID_CHARACTERS
from runkey_server.artifacts.model import Entry
from runkey_server.errors import Error
from runkey_server.files import file_name_fault

MAX_MANIFEST_BYTES = 512 * 1024 * 1024
MAX_ENTRIES = 2_000_000
_MAX_REF_CHARACTERS = 8_192


class _Line(msgspec.Struct, omit_defaults=True):
    digest: str
    size: int | None = None
    ref: str | None = None
    birthArtifactID: str | None = None  # noqa: N815 - as it is on the wire
    extra: dict[str, Any] | None = None
    digestAlgorithm: str | None = None  # noqa: N815


class _Document(msgspec.Struct):
    version: int
    storagePolicy: str  # noqa: N815
    storagePolicyConfig: dict[str, Any]  # noqa: N815
    contents: dict[str, _Line]


@dataclass(frozen=True)
class Contents:
    """What a manifest says."""

    document: _Document

    @property
    def entries(self) -> list[Entry]:
        """Every file and reference."""
        return [Entry(path, line.digest, line.size or 0, line.ref) for path, line in self.document.contents.items()]

    @property
    def births(self) -> dict[str, str]:
        """By MD5, the global id of the version that first held these bytes, where the manifest tells."""
        return {line.digest: line.birthArtifactID for line in self.document.contents.values() if line.birthArtifactID and line.ref is None}


def read(body: bytes) -> Contents:
    """Read a manifest. Raises Error `invalid` with what is wrong with it."""
    try:
        document = msgspec.json.decode(body, type=_Document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
        raise Error("invalid", f"The manifest cannot be read: {str(problem)[:200]}.") from None
    if document.version != 1:
        raise Error("invalid", f"The manifest has version {document.version}; only 1 is known here.")
    if len(document.contents) > MAX_ENTRIES:
        raise Error("invalid", f"The manifest has more than {MAX_ENTRIES:,} entries.")
    for path, line in document.contents.items():
        _check(path, line)
    return Contents(document)


def merge(base: Contents | None, patches: list[Contents]) -> Contents:
    """Lay manifests over a base, the later over the earlier."""
    contents: dict[str, _Line] = dict(base.document.contents) if base else {}
    for patch in patches:
        contents |= patch.document.contents
    first = base or patches[0]
    return Contents(msgspec.structs.replace(first.document, contents=dict(sorted(contents.items()))))


def write(contents: Contents) -> bytes:
    """Write a manifest as clients read it."""
    return msgspec.json.encode(contents.document)


def digest_of(entries: Mapping[str, str]) -> str:
    """Give the digest of a version by its paths and their digests: MD5, hex, as the official client reckons it (MANIFEST_MD5)."""
    digest = hashlib.md5(b"wandb-artifact-manifest-v1\n", usedforsecurity=False)
    for path in sorted(entries):
        digest.update(f"{path}:{entries[path]}\n".encode())
    return digest.hexdigest()


def _check(path: str, line: _Line) -> None:
    fault = file_name_fault(path)
    if fault:
        raise Error("invalid", f"In the manifest {path[:80]!r} {fault}.")
    if line.size is not None and not 0 <= line.size < 2**63:
        raise Error("invalid", f"In the manifest {path[:80]!r} has no size that a file can have.")
    if line.ref is None:
        check_md5(line.digest)
    elif len(line.digest) > MAX_ID_CHARACTERS or len(line.ref) > _MAX_REF_CHARACTERS or "\0" in line.digest + line.ref:
        raise Error("invalid", f"In the manifest {path[:80]!r} has a digest or a reference that cannot be kept.")
