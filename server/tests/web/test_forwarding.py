"""Where a request comes from: what a proxy that we know says, and nothing that a visitor says of themselves."""

import logging

import pytest
import sqlalchemy as sa
from house import PASSWORD, House, Visitor

HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "Client-IP", "Via")
MESSAGE = "Too many tries"


def spoofed(number: int) -> dict[str, str]:
    """What somebody sends who would be somebody else each time."""
    address = f"198.51.100.{number}"
    return dict.fromkeys(HEADERS, address) | {
        "Forwarded": f"for={address};proto=https;host=evil.example",
        "X-Forwarded-Host": "evil.example",
    }


def addresses(house: House) -> set[str]:
    with house.database.reading() as transaction:
        return set(transaction.execute(sa.text("SELECT address FROM browser_sessions")).scalars())


@pytest.mark.holds("ASVS 4.1.3")
@pytest.mark.holds("ASVS 15.3.4")
def test_a_stranger_who_claims_an_address_keeps_their_own(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house.visitor().sign_up("mira")
    guesser = house.visitor("203.0.113.9")
    answers = [
        guesser.post("/signin", name="mira", password=f"guess number {number}", headers=spoofed(number)).status_code for number in range(11)
    ]
    assert answers == [403] * 10 + [429], "they are counted as one"
    # Another address may still try: it was no limit of the account's that was reached.
    assert house.visitor("198.51.100.1").post("/signin", name="mira", password=PASSWORD).status_code == 303
    assert addresses(house) - {""} == {"198.51.100.1"}
    house.clock.advance(minutes=20)
    guesser.post("/signin", name="mira", password=PASSWORD, headers=spoofed(99))
    assert "203.0.113.9" in addresses(house)
    assert "198.51.100.99" not in addresses(house)
    lines = [record.getMessage() for record in caplog.records if record.name == "runkey_server.access"]
    assert {line.split()[0] for line in lines} == {"203.0.113.9", "198.51.100.1"}


@pytest.mark.holds("ASVS 4.1.3")
@pytest.mark.holds("ASVS 15.3.4")
def test_a_machine_is_shown_with_the_address_that_it_has(house: House) -> None:
    asking = Visitor(house, "203.0.113.9").client
    codes = asking.post("/oauth/device_authorization", data={"client_id": "runkey", "machine_name": "gpu07"}, headers=spoofed(7)).json()
    page = house.visitor().sign_up("mira").get(f"/device?user_code={codes['user_code']}")
    assert "203.0.113.9" in page.text
    assert "198.51.100.7" not in page.text
    assert "evil.example" not in page.text
    assert codes["verification_uri"] == "http://127.0.0.1:8080/device"


@pytest.mark.holds("ASVS 15.3.4")
def test_the_proxy_that_was_named_is_believed(public_house: House) -> None:
    public_house.visitor().sign_up("mira")
    proxy = public_house.visitor("192.0.2.1")
    # The visitor wrote the first address, the proxy added the second.
    answer = proxy.post("/signin", name="mira", password=PASSWORD, headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
    assert answer.status_code == 303
    assert "203.0.113.9" in addresses(public_house)
    assert "198.51.100.7" not in addresses(public_house)
    # What is counted, is counted for the one behind the proxy.
    for number in range(10):
        proxy.client.cookies.clear()
        guess = {"name": "mira", "password": f"guess number {number}"}
        assert proxy.post("/signin", headers={"X-Forwarded-For": "203.0.113.77"}, **guess).status_code == 403
    proxy.client.cookies.clear()
    assert proxy.post("/signin", name="mira", password="guess", headers={"X-Forwarded-For": "203.0.113.77"}).status_code == 429
    assert proxy.post("/signin", name="mira", password=PASSWORD, headers={"X-Forwarded-For": "192.88.99.1"}).status_code == 303


@pytest.mark.holds("ASVS 4.1.3")
def test_a_forwarding_header_opens_nothing_that_loopback_opens(house: House) -> None:
    """On this computer alone everybody may sign up; whoever comes through something else is not on this computer."""
    visitor = house.visitor()
    assert visitor.get("/signup").status_code == 200
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto"):
        assert visitor.get("/signup", **{header: "127.0.0.1"}).status_code == 403, header
