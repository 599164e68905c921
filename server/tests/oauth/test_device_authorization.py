"""RFC 8628, one test a line of what it asks for, and what somebody does who wants in without being let in."""

import re
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from house import PASSWORD, House, StillClock, Visitor, alert_in, make_person
from joining import approve, ask, poll

from runkey_server import accounts, oauth, tokens
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.machines import Asking
from runkey_server.oauth import OAuthError
from runkey_server.oauth import device_authorization as device
from runkey_wire import device_authorization as wire


@pytest.fixture
def mira(house: House) -> Visitor:
    return house.visitor().sign_up("mira")


@pytest.mark.holds("RFC 8628 3.2")
@pytest.mark.holds("RFC 8628 5.2")
@pytest.mark.holds("RFC 8628 6.1")
def test_codes_are_long_short_lived_and_not_cached(house: House) -> None:
    answer = house.client.post("/oauth/device_authorization", data={"client_id": "runkey"})
    assert answer.headers["cache-control"] == "no-store"
    codes = answer.json()
    assert len(codes["device_code"]) >= 22, "128 bits or more, in base64url"
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", codes["user_code"])
    assert codes["expires_in"] == 600
    assert codes["interval"] == 5
    assert codes["verification_uri"] == "http://127.0.0.1:8080/device"
    assert codes["verification_uri_complete"] == f"http://127.0.0.1:8080/device?user_code={codes['user_code']}"


@pytest.mark.holds("RFC 8628 5.2")
def test_neither_code_is_in_the_database(house: House) -> None:
    codes = ask(house)
    with house.database.reading() as transaction:
        row = transaction.execute(sa.text("SELECT * FROM device_authorizations")).one()
    text = repr(tuple(row))
    assert codes["device_code"] not in text
    assert codes["user_code"].replace("-", "") not in text


@pytest.mark.holds("RFC 8628 3.1")
@pytest.mark.holds("RFC 8628 3.4")
def test_from_asking_to_the_key(house: House, mira: Visitor) -> None:
    codes = ask(house)
    assert poll(house, codes["device_code"]) == (400, {"error": "authorization_pending", "error_description": "nobody has decided yet"})
    assert approve(mira, codes).headers["location"] == "/device/done"
    status, answer = poll(house, codes["device_code"])
    assert status == 200
    assert answer["token_type"] == "Bearer"
    assert answer["access_token"].startswith("rkm_")
    assert answer["account"] == "mira"
    assert answer["machine_id"].startswith("mac_")
    assert answer["scope"] == "runs"
    viewer = house.graphql(answer["access_token"], "{ viewer { username machines { id name osUser isThis } } }").json()["data"]["viewer"]
    assert viewer == {
        "username": "mira",
        "machines": [{"id": answer["machine_id"], "name": "gpu07", "osUser": "mira", "isThis": True}],
    }


@pytest.mark.holds("RFC 8628 3.4")
def test_it_is_redeemed_once(house: House, mira: Visitor) -> None:
    codes = ask(house)
    approve(mira, codes)
    assert poll(house, codes["device_code"])[0] == 200
    assert poll(house, codes["device_code"])[1]["error"] == "invalid_grant"


@pytest.mark.holds("RFC 8628 3.4")
def test_of_twenty_redemptions_at_once_exactly_one_wins(database: Database, clock: StillClock) -> None:
    person = make_person(database, "mira", clock())
    pepper = b"p" * 32
    with database.writing() as transaction:
        issued = oauth.ask(transaction, pepper, Asking("gpu", "m", "Linux", "127.0.0.1"), clock())
    found = oauth.look_up(database, pepper, issued.user_code, person.account, "here", clock())
    with database.writing() as transaction:
        oauth.approve(transaction, found, person.account, clock())

    def redeem(_: int) -> str:
        for _again in range(50):
            try:
                return oauth.redeem_device_code(database, pepper, issued.device_code, clock())[1].secret
            except OAuthError as error:
                return error.code
            except Error as error:
                assert error.code == "unavailable"
        return "unavailable"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(redeem, range(20)))
    assert len([each for each in outcomes if each.startswith("rkm_")]) == 1
    assert outcomes.count("invalid_grant") == 19
    with database.reading() as transaction:
        assert transaction.execute(sa.text("SELECT count(*) FROM machines")).scalar() == 1


@pytest.mark.holds("RFC 8628 3.5")
def test_polling_too_fast_lengthens_the_interval_each_time(house: House) -> None:
    codes = ask(house)
    errors = [poll(house, codes["device_code"])[1]["error"] for _ in range(3)]
    assert errors == ["authorization_pending", "slow_down", "slow_down"]


@pytest.mark.holds("RFC 8628 3.5")
def test_slow_down_adds_five_seconds_each_time(database: Database, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("runkey_server.oauth.waiting.monotonic", lambda: now[0])
    waiting = oauth.Waiting(database, clock)
    # (seconds since the last poll, whether that is too fast): 5, then 10, then 15 must pass.
    for passed, too_fast in ((0, False), (4, True), (9, True), (14, True), (20, False), (19, True), (25, False)):
        now[0] += passed
        assert waiting.is_too_fast(b"code") is too_fast, passed


@pytest.mark.holds("RFC 8628 3.5")
def test_it_expires(house: House, mira: Visitor) -> None:
    codes = ask(house)
    house.clock.advance(seconds=599)
    assert poll(house, codes["device_code"])[1]["error"] == "authorization_pending"
    house.clock.advance(seconds=2)
    assert poll(house, codes["device_code"])[1]["error"] == "expired_token"
    assert "No machine waits" in alert_in(mira.get(f"/device?user_code={codes['user_code']}").text)


@pytest.mark.holds("RFC 8628 3.5")
def test_what_was_approved_expires_too(house: House, mira: Visitor) -> None:
    codes = ask(house)
    approve(mira, codes)
    house.clock.advance(seconds=601)
    assert poll(house, codes["device_code"])[1]["error"] == "expired_token"


@pytest.mark.holds("RFC 8628 3.5")
def test_no_kills_it(house: House, mira: Visitor) -> None:
    codes = ask(house)
    assert approve(mira, codes, "deny").headers["location"] == "/device/done?denied=1"
    assert poll(house, codes["device_code"])[1]["error"] == "access_denied"
    assert "No machine waits" in alert_in(mira.get(f"/device?user_code={codes['user_code']}").text)


@pytest.mark.holds("RFC 8628 3.4")
@pytest.mark.holds("RFC 8628 3.5")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"client_id": ""}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"device_code": ""}, "invalid_request"),
        ({"device_code": "no such code"}, "invalid_grant"),
    ],
)
def test_the_token_endpoint_names_what_is_wrong(house: House, form: dict, error: str) -> None:
    codes = ask(house)
    answer = house.client.post(
        "/oauth/token", data={"client_id": "runkey", "grant_type": wire.DEVICE_GRANT, "device_code": codes["device_code"]} | form
    )
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.holds("RFC 8628 3.1")
def test_an_unknown_scope_is_refused(house: House) -> None:
    answer = house.client.post("/oauth/device_authorization", data={"client_id": "runkey", "scope": "everything"})
    assert answer.json()["error"] == "invalid_scope"


@pytest.mark.holds("RFC 8628 3.3")
def test_the_code_is_taken_only_after_signing_in(house: House) -> None:
    codes = ask(house)
    stranger = house.visitor()
    answer = stranger.get(f"/device?user_code={codes['user_code']}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/signin?next=")
    assert "gpu07" not in answer.text


@pytest.mark.holds("RFC 8628 3.3.1")
@pytest.mark.holds("RFC 8628 5.4")
def test_a_filled_in_link_lets_nobody_in_by_itself(house: House, mira: Visitor) -> None:
    codes = ask(house)
    page = mira.get(f"/device?user_code={codes['user_code']}")
    for words in (
        "gpu07",
        "mira",
        "Linux 6.1 x86_64",
        "127.0.0.1",
        "Let it in only if you started this login yourself",
        codes["user_code"],
    ):
        assert words in page.text
    assert poll(house, codes["device_code"])[1]["error"] == "authorization_pending"
    assert mira.get(f"/device?user_code={codes['user_code']}&decision=approve").status_code == 200
    assert poll(house, codes["device_code"])[1]["error"] in ("authorization_pending", "slow_down")


@pytest.mark.holds("RFC 8628 3.3")
@pytest.mark.holds("ASVS 7.5.3")
def test_a_stale_sign_in_must_give_the_password(house: House, mira: Visitor) -> None:
    house.clock.advance(minutes=6)
    codes = ask(house)
    refused = approve(mira, codes)
    assert refused.status_code == 403
    assert "Give your password once more" in alert_in(refused.text)
    assert approve(mira, codes, password="not the password at all").status_code == 403
    assert poll(house, codes["device_code"])[1]["error"] == "authorization_pending"
    assert approve(mira, codes, password=PASSWORD).status_code == 303
    assert poll(house, codes["device_code"])[0] == 200


@pytest.mark.holds("RFC 8628 3.3")
@pytest.mark.holds("ASVS 7.4.1")
def test_after_signing_out_nothing_is_approved(house: House, mira: Visitor) -> None:
    codes = ask(house)
    form = mira.get(f"/device?user_code={codes['user_code']}").text
    token = re.search(r'name="form_token" value="([^"]+)"', form).group(1)
    session = mira.session
    mira.post("/signout", at="/device")
    mira.session = session
    answer = mira.post("/device", form_token=token, user_code=codes["user_code"], decision="approve")
    assert answer.headers["location"].startswith("/signin")
    assert poll(house, codes["device_code"])[1]["error"] == "authorization_pending"


def test_an_account_that_was_disabled_meanwhile_gives_no_key(house: House, mira: Visitor) -> None:
    codes = ask(house)
    approve(mira, codes)
    with house.database.writing() as transaction:
        accounts.disable_account(transaction, accounts.get_account(transaction, "mira"), house.clock())
    assert poll(house, codes["device_code"])[1]["error"] == "access_denied"


@pytest.mark.holds("RFC 8628 5.4")
def test_another_network_is_warned_of(house: House) -> None:
    codes = ask(house)
    afar = house.visitor("203.0.113.9").sign_up("ana")
    assert "The machine asks from another network" in afar.get(f"/device?user_code={codes['user_code']}").text
    near = house.visitor().signed_in("ana")
    assert "another network" not in near.get(f"/device?user_code={codes['user_code']}").text


@pytest.mark.holds("RFC 8628 5.1")
def test_wrong_codes_are_limited_for_an_account(house: House, mira: Visitor) -> None:
    codes = ask(house)
    for _ in range(5):
        assert mira.get("/device?user_code=BBBB-BBBB").status_code == 400
    refused = mira.get(f"/device?user_code={codes['user_code']}")
    assert refused.status_code == 429
    assert "gpu07" not in refused.text
    house.clock.advance(minutes=10)
    fresh = ask(house)
    assert "gpu07" in house.visitor().signed_in("mira").get(f"/device?user_code={fresh['user_code']}").text


@pytest.mark.holds("RFC 8628 5.1")
def test_wrong_codes_are_limited_for_a_network_and_for_all_together(
    database: Database, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    people = [make_person(database, f"person{index}", clock()) for index in range(70)]

    def guess(person: int, network: str) -> str:
        try:
            oauth.look_up(database, b"p" * 32, "BBBB-BBBB", people[person].account, network, clock())
        except Error as error:
            return error.code
        return "found"

    assert [guess(index, "one network") for index in range(50)] == ["invalid"] * 50
    assert guess(51, "one network") == "too_many"
    assert [guess(index % 70, f"network {index}") for index in range(250)].count("invalid") == 250
    assert "guessing" not in caplog.text
    assert guess(69, "yet another") == "too_many"
    assert "Somebody may be guessing" in caplog.text, "whoever runs the server is told"


@pytest.mark.holds("RFC 8628 5.1")
def test_the_chance_of_hitting_any_live_code_in_a_day_stays_below_one_in_ten_thousand() -> None:
    guesses_a_day = accounts.USER_CODE_AT_ALL.free * 24
    short, long = (len(wire.USER_CODE_ALPHABET) ** characters for characters in wire.USER_CODE_CHARACTERS)
    # At most this many short codes live at once; what comes beyond them is long, of which 20,000 may live.
    assert guesses_a_day * device.LONGER_ABOVE / short < 1e-4
    assert guesses_a_day * 20_000 / long < 1e-4


@pytest.mark.holds("RFC 8628 5.1")
def test_codes_are_longer_above_a_hundred_live_ones(database: Database, clock: StillClock) -> None:
    asking = Asking("gpu", "m", "Linux", "127.0.0.1")
    with database.writing() as transaction:
        lengths = [len(oauth.ask(transaction, b"p" * 32, asking, clock()).user_code) for _ in range(102)]
    assert lengths == [8] * 100 + [10] * 2


@pytest.mark.holds("RFC 8628 6.1")
def test_codes_are_read_as_people_type_them(house: House, mira: Visitor) -> None:
    code = ask(house)["user_code"]
    for typed in (code.lower(), code.replace("-", ""), code.replace("-", " "), f" {code} ", code.replace("-", "–")):
        assert "gpu07" in mira.get(f"/device?user_code={urllib.parse.quote(typed)}").text, typed


@pytest.mark.holds("RFC 8628 3.5")
def test_a_database_that_does_not_answer_is_503_and_no_final_error(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = ask(house)

    def fail(*_: object) -> None:
        raise Error("unavailable", "The database does not answer at this moment.", retry_after_seconds=1)

    monkeypatch.setattr("runkey_server.oauth.routes.redeem_device_code", fail)
    answer = house.client.post(
        "/oauth/token", data={"client_id": "runkey", "grant_type": wire.DEVICE_GRANT, "device_code": codes["device_code"]}
    )
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


@pytest.mark.holds("RFC 8628 5.1")
def test_digests_of_user_codes_need_the_pepper() -> None:
    assert tokens.keyed_digest(b"a" * 32, "BCDFGHJK") != tokens.keyed_digest(b"b" * 32, "BCDFGHJK")


@pytest.mark.holds("RFC 8628 5.1")
def test_loading_the_page_of_a_decision_again_is_no_guess(house: House, mira: Visitor) -> None:
    codes = ask(house)
    approve(mira, codes)
    for _ in range(8):
        assert "No machine waits" in alert_in(mira.get(f"/device?user_code={codes['user_code']}").text)
    ana = house.visitor().sign_up("ana")
    for _ in range(5):
        assert ana.get(f"/device?user_code={codes['user_code']}").status_code == 400
    assert ana.get(f"/device?user_code={codes['user_code']}").status_code == 429, "somebody else's is as good as any guess"
    assert "gpu07" in mira.get(f"/device?user_code={ask(house)['user_code']}").text


def test_one_network_cannot_fill_the_place_of_all(database: Database, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "MAX_PENDING_OF_ONE_NETWORK", 3)
    with database.writing() as transaction:
        for number in range(3):
            oauth.ask(transaction, b"p" * 32, Asking("gpu", "m", "Linux", f"2001:db8::{number}"), clock())
        with pytest.raises(Error) as refusal:
            oauth.ask(transaction, b"p" * 32, Asking("gpu", "m", "Linux", "2001:db8::ffff:1"), clock())
        assert (refusal.value.code, refusal.value.retry_after_seconds) == ("too_many", 60)
        oauth.ask(transaction, b"p" * 32, Asking("gpu", "m", "Linux", "2001:db8:0:1::1"), clock())
        clock.advance(minutes=11)
        oauth.ask(transaction, b"p" * 32, Asking("gpu", "m", "Linux", "2001:db8::1"), clock())


@pytest.mark.parametrize("how", ["on the page", "by a link"])
def test_what_was_approved_before_another_password_is_worth_nothing(house: House, mira: Visitor, how: str) -> None:
    codes = ask(house)
    approve(mira, codes)
    house.clock.advance(seconds=5)
    with house.database.writing() as transaction:
        account = accounts.get_account(transaction, "mira")
        link = accounts.issue_link(transaction, accounts.RESET, at=house.clock(), account=account)
    if how == "by a link":
        accounts.redeem_sign_in(house.database, link, "six brown herons at dawn", house.clock())
    else:
        accounts.change_password(house.database, account, "six brown herons at dawn", at=house.clock())
    assert poll(house, codes["device_code"])[1]["error"] == "access_denied"
    mira.signed_in("mira")
    codes = ask(house)
    approve(mira, codes)
    assert poll(house, codes["device_code"])[0] == 200
