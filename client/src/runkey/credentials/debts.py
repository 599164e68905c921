"""Keys that were forgotten here while their server could not be reached: kept until it is, only to be revoked.

They stand beside the entries in credentials.json (in the keyring, where the key was kept there), and log nobody in.
"""

from typing import Any

from runkey.credentials.model import Credential, Secret
from runkey.credentials.store import CredentialStore


def owe(store: CredentialStore, credential: Credential) -> None:
    """Note that a key is still to be revoked. Raises CannotStore, UsageError for a broken file."""
    debt = {"host": credential.host, "server_id": credential.server_id, "key_id": credential.key_id, "store": "file"}
    if credential.store == "keyring":
        # optional dependency
        from runkey.credentials import keyring

        if keyring.put(credential.host, _name(debt), credential.secret.reveal()):
            debt["store"] = "keyring"
    if debt["store"] == "file":
        debt["key"] = credential.secret.reveal()
    with store.changing() as kept:
        kept.setdefault("debts", []).append(debt)


def list_debts(store: CredentialStore, host: str, server_id: str) -> list[tuple[dict[str, Any], Secret | None]]:
    """Give what is owed to a server, each with its key; None for a key that the keyring lost."""
    found: list[tuple[dict[str, Any], Secret | None]] = []
    for debt in store.read().get("debts") or []:
        if not isinstance(debt, dict) or debt.get("host") != host or debt.get("server_id") not in (None, server_id):
            continue
        secret = debt.get("key")
        if debt.get("store") == "keyring":
            # optional dependency
            from runkey.credentials import keyring

            secret = keyring.get(host, _name(debt))
        found.append((debt, Secret(str(secret)) if secret else None))
    return found


def settle(store: CredentialStore, debt: dict[str, Any]) -> None:
    """Forget a debt that was paid. Raises CannotStore, UsageError for a broken file."""
    with store.changing() as kept:
        kept["debts"] = [each for each in kept.get("debts") or [] if each != debt]
        if not kept["debts"]:
            del kept["debts"]
    if debt.get("store") == "keyring":
        # optional dependency
        from runkey.credentials import keyring

        keyring.delete(debt["host"], _name(debt))


def _name(debt: dict[str, Any]) -> str:
    return f"owed {debt.get('key_id') or 'key'}"
