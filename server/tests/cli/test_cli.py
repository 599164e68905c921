"""What an operator types, in this process."""

import pytest
from house import House

from runkey_server import accounts, cli, machines
from runkey_server.machines import Asking


def test_revoking_a_machines_key_sends_the_machine_away(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    mira = house.person("mira")
    with house.database.writing() as transaction:
        joined = machines.register(transaction, house.pepper, mira.account, Asking("gpu07", "mira", "Linux", "127.0.0.1"), house.clock())
    assert cli.main(["key", "revoke", joined.key.id, "--data", str(house.data)]) == 0
    assert joined.key.id in capsys.readouterr().out
    with house.database.reading() as transaction:
        assert machines.get_machine(transaction, mira.account.id, joined.machine.id, house.clock()).state == "revoked"


def test_deleting_an_account_says_what_becomes_of_its_data(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.person("mira")
    asked = []

    def answer(words: str) -> str:
        asked.append(words)
        return "mira" if len(asked) > 1 else "no"

    monkeypatch.setattr("builtins.input", answer)
    assert cli.main(["user", "delete", "mira", "--data", str(house.data)]) == 4
    assert "their data stays on the disk" in capsys.readouterr().out
    assert "with all its projects" not in "".join(asked)
    assert cli.main(["user", "delete", "mira", "--data", str(house.data)]) == 0
    with house.database.reading() as transaction:
        assert accounts.find_account(transaction, "mira") is None
