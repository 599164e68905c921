"""What an account is told by mail, through a real SMTP conversation."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from letters import PostOffice, post_office
from outside import Machine, Server, eventually, start_server
from surfing import PASSWORD, Surfer

LOGIN = ("runkey", "a password for the post office")


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office(LOGIN) as opened:
        yield opened


@pytest.fixture
def server(tmp_path: Path, office: PostOffice) -> Iterator[Server]:
    password = tmp_path / "password"
    password.write_text(LOGIN[1] + "\n")
    words = ("--smtp", office.url, "--smtp-password-file", str(password), "--mail-from", "runkey@example.org")
    started = start_server(tmp_path / "data", *words)
    yield started
    started.stop()


def test_an_invitation_a_new_machine_a_new_key_and_a_new_password_are_told(server: Server, office: PostOffice, machine: Machine) -> None:
    said = server.operate("user", "invite", "--email", "mira@example.org")
    assert "It is sent to mira@example.org too." in said
    eventually(lambda: len(office.letters) == 1, 20)
    invitation = office.letters[0]
    assert (invitation["To"], invitation["From"]) == ("mira@example.org", "runkey@example.org")
    code = re.search(r"/signup#(\S+)", invitation.get_content()).group(1)

    mira = Surfer(server)
    page = mira.post("/signup", name="mira", password=PASSWORD, code=code)
    assert page.status == 303, page.text
    # The address that was invited is the account's, without being typed.
    assert "mira@example.org" in mira.get("/settings/account").body
    mira.post("/settings/keys", description="nightly")
    mira.post("/settings/account", new_password="five loud otters at night")
    server.operate("user", "reset", "mira")
    eventually(lambda: len(office.letters) == 4, 20)
    subjects = [letter["Subject"] for letter in office.letters[1:]]
    assert re.fullmatch(r"The key rku_…\w+ was made \(nightly\)", subjects[0])
    assert subjects[1:] == ["The password of your account was changed", "A new password for your account mira"]
    reset = office.letters[-1].get_content()
    new_code = re.search(r"/welcome#(\S+)", reset).group(1)
    assert Surfer(server).post("/welcome", code=new_code, password="six proud otters at dawn").status == 303
    # Neither the code nor the post office's password is anywhere in what the server keeps or says.
    kept = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file()) + server.log.read_bytes()
    for secret in (code, new_code, LOGIN[1]):
        assert secret.encode() not in kept


def test_settings_that_cannot_be_meant_get_a_sentence(tmp_path: Path) -> None:
    from outside import BIN, subprocess

    for words, sentence in (
        (["--smtp", "smtp://me:secret@mail.example.org"], "--smtp-password-file"),
        (["--smtp", "mail.example.org", "--mail-from", "a@b.org"], "smtps://"),
        (["--smtp", "smtp://mail.example.org"], "--mail-from"),
        (["--smtp", "smtp://mail.example.org", "--mail-from", "nobody"], "runkey@example.org"),
        (["--smtp-password-file", "/nowhere"], "cannot be read"),
    ):
        command = [str(BIN / "runkey-server"), "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2, done.stderr
        assert sentence in done.stderr
        assert "secret" not in done.stderr
        assert "Traceback" not in done.stderr
