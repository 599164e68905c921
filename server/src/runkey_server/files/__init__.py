"""What a run saves: bytes kept by their SHA-256, names in a row, addresses that are signed.

Tables: `files`; `refused_files`, and why; `released_bytes`, which may belong to nothing any more. Bytes lie in `DATA/files/ab/<sha256>`; a
file is known from the moment its bytes are on the disk and its row is committed.
"""

from runkey_server.files.checking import Damage, find_damage, find_unnamed, set_aside
from runkey_server.files.directory import Directory
from runkey_server.files.model import File, Grant
from runkey_server.files.naming import file_name_fault, plain_name
from runkey_server.files.purging import Sweeper, purge, remove, sweep
from runkey_server.files.refusing import forget_refusals, list_refusals, note_refusal
from runkey_server.files.saving import Upload, save
from runkey_server.files.signing import Signer
from runkey_server.files.store import count_files, find_file, list_bytes, list_files, list_run_ids

__all__ = [
    "Damage",
    "Directory",
    "File",
    "Grant",
    "Signer",
    "Sweeper",
    "Upload",
    "count_files",
    "file_name_fault",
    "find_damage",
    "find_file",
    "find_unnamed",
    "forget_refusals",
    "list_bytes",
    "list_files",
    "list_refusals",
    "list_run_ids",
    "note_refusal",
    "plain_name",
    "purge",
    "remove",
    "save",
    "set_aside",
    "sweep",
]
