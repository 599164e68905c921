"""What login put into other programs' files, and how to take it out again: noted in credentials.json, beside the entries.

One note a place, so that two logins that write the same entry do not take each other's for what stood there before: the later one owns it.
"""

import contextlib
from typing import Any

from runkey.credentials import netrc, wandb_settings
from runkey.credentials.store import CredentialStore
from runkey.errors import Error

_NOTES = "lodged"


def put_in_netrc(store: CredentialStore, profile: str, path: str, machine: str, secret: str, *, for_wandb: bool) -> None:
    """Write a login's key into netrc. for_wandb: for the official client's sake, and not as the store. Raises CannotStore, UsageError."""
    place = {"file": "netrc", "path": path, "machine": machine}
    old = _find(store, place)
    undo = netrc.write(path, machine, secret, old and old["undo"])
    # A place that serves both is kept for as long as one of them needs it.
    for_wandb = for_wandb or bool(old and old["profile"] == profile and old.get("for_wandb"))
    try:
        _note(store, place | {"profile": profile, "for_wandb": for_wandb, "undo": undo})
    except BaseException:
        with contextlib.suppress(Error):
            netrc.restore(path, machine, undo)
        raise


def put_in_wandb_settings(store: CredentialStore, profile: str, path: str, url: str) -> None:
    """Point the official client at a login's server. Raises CannotStore, UsageError."""
    place = {"file": "wandb_settings", "path": path, "machine": None}
    old = _find(store, place)
    undo = wandb_settings.write(path, url, old and old["undo"])
    try:
        _note(store, place | {"profile": profile, "for_wandb": True, "undo": undo})
    except BaseException:
        with contextlib.suppress(Error):
            wandb_settings.restore(path, undo)
        raise


def machines_for_wandb(store: CredentialStore, profile: str) -> list[tuple[str, str]]:
    """Give the netrc files and machine names under which a login's key stands for the official client."""
    return [
        (each["path"], each["machine"])
        for each in _notes(store)
        if (each["profile"], each["file"]) == (profile, "netrc") and each["for_wandb"]
    ]


def take_back(store: CredentialStore, profile: str, *, of_store_alone: bool = False) -> None:
    """Take out of other files what a login put there, and put back what stood in its place.

    of_store_alone: what was written for the official client's sake stays. Raises CannotStore, UsageError.
    """
    for note in _notes(store):
        if note["profile"] != profile or (of_store_alone and note["for_wandb"]):
            continue
        if note["file"] == "netrc":
            netrc.restore(note["path"], note["machine"], note["undo"])
        else:
            wandb_settings.restore(note["path"], note["undo"])
        with store.changing() as kept:
            _set(kept, [each for each in kept.get(_NOTES) or [] if each != note])


def _notes(store: CredentialStore) -> list[dict[str, Any]]:
    notes: list[dict[str, Any]] = store.read().get(_NOTES) or []
    return notes


def _find(store: CredentialStore, place: dict[str, Any]) -> dict[str, Any] | None:
    return next((each for each in _notes(store) if _is_of(each, place)), None)


def _note(store: CredentialStore, note: dict[str, Any]) -> None:
    with store.changing() as kept:
        _set(kept, [*(each for each in kept.get(_NOTES) or [] if not _is_of(each, note)), note])


def _set(kept: dict[str, Any], notes: list[dict[str, Any]]) -> None:
    if notes:
        kept[_NOTES] = notes
    else:
        kept.pop(_NOTES, None)


def _is_of(note: dict[str, Any], place: dict[str, Any]) -> bool:
    return all(note.get(member) == place[member] for member in ("file", "path", "machine"))
