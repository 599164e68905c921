"""https without a proxy: a private certificate, the sentence when it is not trusted, Secure cookies, HSTS."""

import json
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import make_certificate
from outside import BIN, Machine, Server, start_server

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    cert, key = certificate
    server = start_server(tmp_path_factory.mktemp("secure") / "data", "--tls-cert", str(cert), "--tls-key", str(key))
    yield server
    assert server.stop() == 0


def test_an_untrusted_certificate_is_named_with_its_issuer_and_the_cure(secure: Server, machine: Machine) -> None:
    assert secure.url.startswith("https://")
    secret = secure.key("mira")
    done = machine.run(str(BIN / "runkey"), "login", "--host", secure.url, "--key-stdin", stdin=secret, SSL_CERT_FILE="", SSL_CERT_DIR="")
    assert done.returncode == 7
    assert "issued by 'Laboratory CA'" in done.stderr
    assert "SSL_CERT_FILE" in done.stderr


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_private_authority_is_honoured(secure: Server, machine: Machine, certificate: tuple[Path, Path], variable: str) -> None:
    cert, _ = certificate
    extra = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "", "REQUESTS_CA_BUNDLE": ""} | {variable: str(cert)}
    done = machine.run(str(BIN / "runkey"), "login", "--json", "--host", secure.url, "--key-stdin", stdin=secure.key("mira"), **extra)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["account"] == "mira"


def test_plain_http_to_it_is_no_login(secure: Server, machine: Machine) -> None:
    plain = secure.url.replace("https://", "http://")
    done = machine.run(str(BIN / "runkey"), "login", "--host", plain, "--key-stdin", stdin=secure.key("mira"))
    assert done.returncode == 7
    assert "Traceback" not in done.stderr


@pytest.mark.holds("ASVS 3.3.1")
@pytest.mark.holds("ASVS 3.3.3")
@pytest.mark.holds("ASVS 3.4.1")
def test_cookies_are_secure_and_hsts_is_sent(secure: Server, certificate: tuple[Path, Path]) -> None:
    context = ssl.create_default_context(cafile=str(certificate[0]))
    with urllib.request.urlopen(secure.url + "/signin", context=context, timeout=10) as answer:
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-runkey-form=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= {part.strip() for part in cookie.split(";")}
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")


def test_a_missing_key_file_is_a_sentence(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["serve", "--data", str(tmp_path / "d"), "--listen", "127.0.0.1:0", "--tls-cert", str(certificate[0]), "--tls-key", "/absent"]
    done = subprocess.run([str(BIN / "runkey-server"), *words], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "/absent" in done.stderr
    assert "Traceback" not in done.stderr
