"""What manifests of artifacts say, as the official client writes it."""

import base64
import hashlib
import json
from typing import Any


def md5_of(body: bytes) -> str:
    """Write the digest of bytes as manifests have it."""
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def manifest_of(contents: dict[str, dict[str, Any]]) -> bytes:
    """Write a manifest: what stands at each path."""
    config = {"storageLayout": "V2"}
    return json.dumps(
        {"version": 1, "storagePolicy": "wandb-storage-policy-v1", "storagePolicyConfig": config, "contents": contents}
    ).encode()


def lines_of(files: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """Write what a manifest says of files."""
    return {path: {"digest": md5_of(body), "size": len(body)} for path, body in files.items()}
