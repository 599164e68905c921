"""What a run saves: bytes kept by their SHA-256, names in a row, addresses that are signed.

Tables: `files`, of runs by their name; `blobs`, of projects by their MD5, which is how artifacts name what they hold; `refused_files`, and
why; `released_bytes`, which may belong to nothing any more. Bytes lie in `DATA/files/ab/<sha256>`; a file is known from the moment its
bytes are on the disk and its row is committed.
"""

from runkey_server.files.checking import Damage, find_damage, find_unnamed, set_aside
from runkey_server.files.directory import Directory, Kept
from runkey_server.files.model import Blob, Download, File, Grant
from runkey_server.files.naming import file_name_fault, plain_name, type_of
from runkey_server.files.purging import Sweeper, drop_blobs, purge, remove, sweep
from runkey_server.files.refusing import forget_refusals, list_refusals, note_refusal
from runkey_server.files.saving import Upload, save
from runkey_server.files.signing import Signer
from runkey_server.files.store import (
    count_files,
    find_blobs,
    find_download,
    find_file,
    list_blob_digests,
    list_bytes,
    list_files,
    list_run_ids,
    measure_blobs,
    put_blob,
)

__all__ = [
    "Blob",
    "Damage",
    "Directory",
    "Download",
    "File",
    "Grant",
    "Kept",
    "Signer",
    "Sweeper",
    "Upload",
    "count_files",
    "drop_blobs",
    "file_name_fault",
    "find_blobs",
    "find_damage",
    "find_download",
    "find_file",
    "find_unnamed",
    "forget_refusals",
    "list_blob_digests",
    "list_bytes",
    "list_files",
    "list_refusals",
    "list_run_ids",
    "measure_blobs",
    "note_refusal",
    "plain_name",
    "purge",
    "put_blob",
    "remove",
    "save",
    "set_aside",
    "sweep",
    "type_of",
]
