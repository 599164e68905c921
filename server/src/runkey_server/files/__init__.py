"""What a run saves: bytes kept by their SHA-256, names in a row, addresses that are signed.

Tables: `files`, of runs by their name, and `blobs`, of projects by their MD5, which is how artifacts name what they hold. Bytes lie in
`DATA/files/ab/<sha256>`; a file is known from the moment its bytes are on the disk and its row is committed.
"""

from runkey_server.files.checking import Damage, find_damage, find_unnamed, set_aside
from runkey_server.files.directory import Directory, Kept
from runkey_server.files.model import Blob, Download, File, Grant
from runkey_server.files.naming import file_name_fault, type_of
from runkey_server.files.purging import drop_blobs, purge, sweep
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
    "Upload",
    "count_files",
    "drop_blobs",
    "file_name_fault",
    "find_blobs",
    "find_damage",
    "find_download",
    "find_file",
    "find_unnamed",
    "list_blob_digests",
    "list_bytes",
    "list_files",
    "list_run_ids",
    "purge",
    "put_blob",
    "save",
    "set_aside",
    "sweep",
    "type_of",
]
