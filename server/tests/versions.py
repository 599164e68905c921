"""Versions of artifacts, logged as the official client does it: begun, announced, sent, committed."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from house import House

CREATE = """
mutation C($input: CreateArtifactInput!) { createArtifact(input: $input) { artifact { id state versionIndex } } }
"""
ANNOUNCE = """
mutation F($input: CreateArtifactFilesInput!) {
  createArtifactFiles(input: $input) { files { edges { node { name storagePath uploadUrl uploadHeaders artifact { id } } } } }
}
"""
MANIFEST = """
mutation M($input: CreateArtifactManifestInput!) {
  createArtifactManifest(input: $input) { artifactManifest { id file { id uploadUrl uploadHeaders } } }
}
"""
COMMIT = "mutation K($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { id digest versionIndex } } }"


def md5_of(body: bytes) -> str:
    """Give the MD5 of some bytes as manifests write it."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def manifest_of(files: Mapping[str, bytes], **references: str) -> bytes:
    """Write a manifest of files, and of references: path and address."""
    contents: dict[str, Any] = {path: {"digest": md5_of(body), "size": len(body)} for path, body in files.items()}
    contents |= {path: {"digest": ref, "size": 0, "ref": ref} for path, ref in references.items()}
    return json.dumps(
        {
            "version": 1,
            "storagePolicy": "wandb-storage-policy-v1",
            "storagePolicyConfig": {"storageLayout": "V2"},
            "contents": contents,
        }
    ).encode()


def digest_of(files: Mapping[str, bytes]) -> str:
    """Give a version's digest, as the official client reckons it."""
    lines = "".join(f"{path}:{md5_of(files[path])}\n" for path in sorted(files))
    return hashlib.md5(f"wandb-artifact-manifest-v1\n{lines}".encode(), usedforsecurity=False).hexdigest()


class Shipper:
    """Somebody who logs versions with a key."""

    def __init__(self, house: House, secret: str, entity: str, project: str) -> None:
        """Log to a project."""
        self._house = house
        self._secret = secret
        self._entity = entity
        self._project = project

    def ask(self, query: str, **variables: Any) -> Any:
        """Ask; give the data."""
        answer = self._house.graphql(self._secret, query, **variables).json()  # type: ignore[attr-defined]
        assert "errors" not in answer, answer
        return answer["data"]

    def put(self, url: str, body: bytes) -> int:
        """Send bytes to a signed address; give the status."""
        return int(self._house.client.put(url.removeprefix(self._house.base_url), content=body).status_code)

    def begin(self, name: str, files: Mapping[str, bytes], **more: Any) -> Any:
        """Begin a version; give it."""
        given = {
            "entityName": self._entity,
            "projectName": self._project,
            "artifactTypeName": "dataset",
            "artifactCollectionName": name,
            "digest": digest_of(files),
            "digestAlgorithm": "MANIFEST_MD5",
            "aliases": [{"artifactCollectionName": name, "alias": "latest"}],
        }
        return self.ask(CREATE, input=given | more)["createArtifact"]["artifact"]

    def send(self, artifact_id: str, files: Mapping[str, bytes], **references: str) -> str:
        """Announce and send what a version holds; give its manifest's id."""
        asked = [{"artifactID": artifact_id, "name": path, "md5": md5_of(body)} for path, body in files.items()]
        edges = self.ask(ANNOUNCE, input={"artifactFiles": asked, "storageLayout": "V2"})["createArtifactFiles"]["files"]["edges"]
        for edge, body in zip(edges, files.values(), strict=True):
            if edge["node"]["uploadUrl"]:
                assert self.put(edge["node"]["uploadUrl"], body) == 200
        body = manifest_of(files, **references)
        place = {"entityName": self._entity, "projectName": self._project, "runName": "", "name": "wandb_manifest.json"}
        given = {"artifactID": artifact_id, "digest": md5_of(body), "type": "FULL"}
        manifest = self.ask(MANIFEST, input=place | given)["createArtifactManifest"]["artifactManifest"]
        assert self.put(manifest["file"]["uploadUrl"], body) == 200
        return str(manifest["id"])

    def commit(self, artifact_id: str) -> Any:
        """Commit a version; give it."""
        return self.ask(COMMIT, id=artifact_id)["commitArtifact"]["artifact"]

    def log(self, name: str, files: Mapping[str, bytes], **more: Any) -> Any:
        """Log a version from beginning to end; give it."""
        begun = self.begin(name, files, **more)
        if begun["state"] == "COMMITTED":
            return begun
        self.send(begun["id"], files)
        return self.commit(begun["id"])
