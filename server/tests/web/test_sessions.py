"""The browser's session: its id, how long it lasts, what ends it, and what needs the password once more."""

import base64
import re
from urllib.parse import urlencode

import pytest
from house import PASSWORD, House, Visitor, token_in
from outside import eventually

from runkey_server import accounts, keys, machines, oauth, tokens
from runkey_server.machines import Asking

VIEWER = "{ viewer { username } }"


def is_signed_in(visitor: Visitor) -> bool:
    """Whether the pages of an account open."""
    answer = visitor.get("/settings/sessions")
    assert answer.status_code in (200, 303), answer.text
    return bool(answer.status_code == 200)


def link(house: House, purpose: str, name: str | None = None) -> str:
    """The code of a one-time link."""
    with house.database.writing() as transaction:
        account = accounts.get_account(transaction, name) if name else None
        return accounts.issue_link(transaction, purpose, at=house.clock(), account=account)


def nameless(house: House, purpose: str) -> str:
    """The code of a link to an account without a name that was just made."""
    with house.database.writing() as transaction:
        until = house.clock().replace(year=2027)
        account = accounts.create_anonymous_account(transaction, at=house.clock(), until=until)
        return accounts.issue_link(transaction, purpose, at=house.clock(), account=account, expires_at=until)


@pytest.mark.holds("ASVS 7.2.3")
def test_a_hundred_thousand_ids_are_all_different_and_have_256_bits() -> None:
    made = {tokens.mint_token() for _ in range(100_000)}
    assert len(made) == 100_000
    assert all(re.fullmatch(r"[\w-]{43}", token) for token in made)
    assert {len(base64.urlsafe_b64decode(token + "=")) for token in list(made)[:1_000]} == {32}
    # Every bit of it is a coin of its own: none leans, in 10,000 throws, by more than six deviations.
    drawn = [int.from_bytes(base64.urlsafe_b64decode(token + "="), "big") for token in list(made)[:10_000]]
    for bit in range(256):
        assert abs(sum(number >> bit & 1 for number in drawn) - 5_000) < 300, bit


@pytest.mark.holds("ASVS 7.2.3")
def test_the_database_holds_no_session_that_could_be_used(house: House) -> None:
    mira = house.visitor().sign_up("mira")
    assert mira.session
    assert mira.session not in str(house.dump())
    for path in house.data.rglob("*"):
        assert not path.is_file() or mira.session.encode() not in path.read_bytes(), path


@pytest.mark.holds("ASVS 7.2.2")
@pytest.mark.parametrize("kind", ["user", "service", "machine", "anonymous"])
def test_a_key_opens_no_page_and_a_session_is_no_key(house: House, kind: str) -> None:
    person = house.person("mira", kind)
    stranger = house.visitor()
    basic = base64.b64encode(f"api:{person.secret}".encode()).decode()
    for authorization in (f"Bearer {person.secret}", f"Basic {basic}"):
        for path in ("/", "/settings/keys", "/settings/account"):
            answer = stranger.get(path, Authorization=authorization)
            assert answer.headers["location"].startswith("/signin"), path
    stranger.session = person.secret
    assert not is_signed_in(stranger)
    mira = house.visitor().signed_in("mira")
    assert is_signed_in(mira)
    assert house.graphql(mira.session, VIEWER).status_code == 401
    only_cookie = mira.client.post("/graphql", json={"query": VIEWER})
    assert only_cookie.json()["data"]["viewer"] is None


@pytest.mark.holds("ASVS 7.2.4")
def test_a_session_that_somebody_planted_is_never_taken_over(house: House) -> None:
    house.visitor().sign_up("mira")
    victim = house.visitor()
    victim.session = planted = tokens.mint_token()
    assert victim.post("/signin", name="mira", password=PASSWORD).status_code == 303
    assert is_signed_in(victim)
    assert victim.session != planted
    attacker = house.visitor()
    attacker.session = planted
    assert not is_signed_in(attacker)


@pytest.mark.holds("ASVS 7.2.4")
def test_every_way_to_sign_in_begins_a_new_session_and_ends_the_one_before(house: House) -> None:
    house.visitor().sign_up("old")
    house.visitor().sign_up("reset")
    words = {"password": PASSWORD}
    ways = {
        "/setup": {"code": link(house, accounts.FIRST_ADMINISTRATOR), "name": "root", **words},
        "/signin": {"name": "old", **words},
        "/signup": {"name": "newcomer", **words},
        "/welcome": {"code": link(house, accounts.RESET, "reset"), **words},
        "/try": {"code": nameless(house, accounts.DASHBOARD), "instead": "old"},
        "/claim": {"code": nameless(house, accounts.CLAIM), "name": "old", **words},
    }
    for path, fields in ways.items():
        visitor = house.visitor()
        if path == "/claim":
            # Somebody with a name claims at once; only without one does claiming sign in.
            visitor.post("/try", code=nameless(house, accounts.DASHBOARD))
        else:
            visitor.signed_in("old")
        before = visitor.session
        # Who is signed in is not asked to: the form comes from before.
        answer = visitor.post(path, at="/claim", **fields)
        assert answer.status_code == 303, (path, answer.text)
        assert visitor.session not in (None, before), path
        thief = house.visitor()
        thief.session = before
        assert thief.get("/").status_code == 303, path


@pytest.mark.holds("ASVS 7.2.4")
@pytest.mark.holds("ASVS 7.5.3")
def test_giving_the_password_again_begins_a_new_session_too(house: House) -> None:
    mira = house.visitor().sign_up("mira")
    house.clock.advance(minutes=6)
    before = mira.session
    answer = mira.post("/settings/keys", description="nightly", password=PASSWORD)
    assert "rku_" in answer.text
    assert mira.session != before
    assert is_signed_in(mira)
    mira.session = before
    assert not is_signed_in(mira)


@pytest.mark.holds("ASVS 7.1.1")
@pytest.mark.holds("ASVS 7.3.1")
@pytest.mark.holds("ASVS 7.3.2")
@pytest.mark.parametrize(("name", "stay", "hours"), [("mira", "", 12), ("mira", "yes", 30 * 24), ("root", "", 12), ("root", "yes", 12)])
def test_a_session_ends_by_itself_whether_it_was_used_or_not(house: House, name: str, stay: str, hours: int) -> None:
    house.visitor().sign_up(name, is_admin=name == "root")
    used, idle = house.visitor(), house.visitor()
    for visitor in (used, idle):
        answer = visitor.post("/signin", name=name, password=PASSWORD, stay=stay)
        assert f"Max-Age={hours * 3600}" in answer.headers["set-cookie"], "the browser forgets it when the server does"
    kept = used.session, idle.session
    for _ in range(4):
        house.clock.advance(hours=hours / 4, seconds=-1)
        used.session = kept[0]
        assert is_signed_in(used)
    house.clock.advance(seconds=5)
    for visitor, session in zip((used, idle), kept, strict=True):
        visitor.session = session or ""
        assert not is_signed_in(visitor)


@pytest.mark.holds("ASVS 7.4.1")
def test_signing_out_ends_the_session_on_the_server(house: House) -> None:
    mira = house.visitor().sign_up("mira")
    session = mira.session
    mira.post("/signout", at="/")
    assert mira.session is None
    mira.session = session or ""
    assert not is_signed_in(mira)
    with house.database.reading() as transaction:
        assert accounts.list_sessions(transaction, accounts.get_account(transaction, "mira"), house.clock()) == []


@pytest.mark.holds("ASVS 7.4.2")
@pytest.mark.parametrize("end", ["disable", "delete"])
def test_a_disabled_account_has_no_session_and_no_key(house: House, end: str) -> None:
    person = house.person("mira")
    mira = house.visitor().signed_in("mira")
    assert house.graphql(person.secret, VIEWER).status_code == 200
    with house.database.writing() as transaction:
        account = accounts.get_account(transaction, "mira")
        if end == "disable":
            accounts.disable_account(transaction, account, house.clock())
        else:
            accounts.delete_account(transaction, account, house.clock())
    assert not is_signed_in(mira)
    eventually(lambda: house.graphql(person.secret, VIEWER).status_code == 401, 2.0)


@pytest.mark.holds("ASVS 7.4.3")
def test_another_password_ends_every_other_session(house: House) -> None:
    here, there = house.visitor().sign_up("mira"), house.visitor().signed_in("mira")
    assert is_signed_in(there)
    answer = here.post("/settings/account", new_password="five loud herons at dusk")
    assert answer.status_code == 200
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert house.visitor().post("/signin", name="mira", password=PASSWORD).status_code == 403
    assert house.visitor().post("/signin", name="mira", password="five loud herons at dusk").status_code == 303


@pytest.mark.holds("ASVS 7.4.5")
def test_an_administrator_ends_the_sessions_of_a_person(house: House) -> None:
    mira, also_mira, ana = house.visitor().sign_up("mira"), house.visitor().signed_in("mira"), house.visitor().sign_up("ana")
    with house.database.writing() as transaction:
        account = accounts.get_account(transaction, "mira")
        accounts.disable_account(transaction, account, house.clock())
        accounts.disable_account(transaction, account, None)
    assert (is_signed_in(mira), is_signed_in(also_mira), is_signed_in(ana)) == (False, False, True)
    # A link for a new password does the same, once it is used.
    mira.signed_in("mira")
    house.visitor().post("/welcome", code=link(house, accounts.RESET, "mira"), password="five loud herons at dusk")
    assert (is_signed_in(mira), is_signed_in(ana)) == (False, True)


@pytest.mark.holds("ASVS 7.5.2")
def test_a_person_sees_their_sessions_and_ends_one_or_all_others(house: House) -> None:
    here = house.visitor("203.0.113.9").sign_up("mira")
    there, third = house.visitor().signed_in("mira"), house.visitor().signed_in("mira")
    ana = house.visitor().sign_up("ana")
    listed = here.get("/settings/sessions").text
    handles = re.findall(r"ses_\w+", listed)
    assert len(set(handles)) == 2, "this one has no button"
    stolen = [each.session for each in (here, there, third) if each.session and each.session in listed]
    assert stolen == []
    ana.post("/settings/sessions", id=handles[0], act="end")
    assert is_signed_in(there)
    assert is_signed_in(third), "nobody ends another's"
    here.post("/settings/sessions", id=handles[0], act="end")
    assert is_signed_in(there) + is_signed_in(third) == 1
    here.post("/settings/sessions", act="end others")
    assert (is_signed_in(here), is_signed_in(there), is_signed_in(third), is_signed_in(ana)) == (True, False, False, True)


PROGRAM = {
    "response_type": "code",
    "client_id": "runkey",
    "redirect_uri": "http://127.0.0.1:49152/callback",
    "state": "s",
    "code_challenge": "c" * 43,
    "code_challenge_method": "S256",
}


def matters(house: House, what: str) -> "tuple[str, str, dict[str, str]]":
    """Something that needs the password: where the form is, where it goes, what it says."""
    match what:
        case "a new key":
            return "/settings/keys", "/settings/keys", {"description": "nightly"}
        case "a key to paste":
            return "/authorize", "/authorize", {}
        case "another password":
            return "/settings/account", "/settings/account", {"new_password": "five loud herons at dusk"}
        case "another address for mail":
            return "/settings/account", "/settings/account", {"email": "mira@example.org"}
        case "a link for somebody":
            return "/settings/people", "/settings/people", {"name": "mira"}
        case "the end of a key":
            key = house.person("root").key
            return "/settings/keys", "/settings/keys", {"act": "revoke", "id": key.id}
        case "the end of a machine":
            with house.database.writing() as transaction:
                root, at = accounts.get_account(transaction, "root"), house.clock()
                machine = machines.register(transaction, house.pepper, root, Asking("gpu07", "root", "Linux", "127.0.0.1"), at).machine
            return "/settings/machines", "/settings/machines", {"act": "revoke", "id": machine.id}
        case "a program":
            return f"/oauth/authorize?{urlencode(PROGRAM)}", "/oauth/authorize", {**PROGRAM, "decision": "approve"}
    with house.database.writing() as transaction:
        issued = oauth.ask(transaction, house.pepper, Asking("gpu07", "mira", "Linux", "127.0.0.1"), house.clock())
    return f"/device?user_code={issued.user_code}", "/device", {"user_code": issued.user_code, "decision": "approve"}


@pytest.mark.holds("ASVS 7.5.1")
@pytest.mark.holds("ASVS 7.5.3")
@pytest.mark.parametrize(
    "what",
    [
        *("a new key", "a key to paste", "the end of a key", "the end of a machine", "another password", "another address for mail"),
        *("a link for somebody", "a program", "a machine"),
    ],
)
def test_what_matters_needs_a_password_of_the_last_five_minutes(house: House, what: str) -> None:
    house.visitor().sign_up("mira")
    root = house.visitor().sign_up("root", is_admin=True)
    house.clock.advance(minutes=5)
    at, path, fields = matters(house, what)
    page = root.get(at).text
    assert 'name="password"' in page, "the form asks for it"
    token, before = token_in(page), house.dump()
    for more in ({}, {"password": ""}):
        refused = root.post(path, form_token=token, **fields, **more)
        # The account's page answers 400, as for any form that is not filled in.
        assert refused.status_code in (400, 403), refused.text
        assert "location" not in refused.headers
    assert house.dump() == before
    wrong = root.post(path, form_token=token, **fields, password="not the password at all")
    assert wrong.status_code in (400, 403)
    changed = {table for table, rows in house.dump().items() if rows != before[table]}
    assert changed == {"attempts"}, "a wrong password is counted, and nothing else happens"
    assert root.post(path, form_token=token, **fields, password=PASSWORD).status_code in (200, 303)
    assert {table for table, rows in house.dump().items() if rows != before[table]} - {"attempts", "browser_sessions"}
    # And now the password is fresh: the same needs none for five minutes more.
    at, path, fields = matters(house, what)
    assert 'name="password"' not in root.get(at).text
    assert root.post(path, at=at, **fields).status_code in (200, 303)


def test_ending_a_key_leaves_the_session_and_the_other_way_round(house: House) -> None:
    """They end apart: who signs out of a browser must not stop a night's training."""
    person = house.person("mira")
    mira = house.visitor().signed_in("mira")
    mira.post("/signout", at="/")
    assert house.graphql(person.secret, VIEWER).status_code == 200
    mira.signed_in("mira")
    with house.database.writing() as transaction:
        keys.revoke(transaction, keys.get_key(transaction, person.key.id), house.clock())
    assert is_signed_in(mira)


def test_a_machine_is_renamed_without_the_password(house: House) -> None:
    mira = house.visitor().sign_up("mira")
    with house.database.writing() as transaction:
        account, at = accounts.get_account(transaction, "mira"), house.clock()
        machine = machines.register(transaction, house.pepper, account, Asking("gpu07", "mira", "Linux", "127.0.0.1"), at).machine
    house.clock.advance(minutes=6)
    assert mira.post("/settings/machines", id=machine.id, act="rename", name="other").status_code == 303
    assert mira.post("/settings/machines", id=machine.id, act="rename", name="\x07").status_code == 400


def test_a_description_that_cannot_be_is_no_lack_of_rights(house: House) -> None:
    mira = house.visitor().sign_up("mira")
    assert mira.post("/settings/keys", description="\x07").status_code == 400


def test_a_cookie_that_somebody_else_set_signs_nobody_out(house: House) -> None:
    """Another program on the same host name shares the browser's cookies with us, and may write them as it likes."""
    mira = house.visitor().sign_up("mira")
    ours = f"runkey-session={mira.session}"
    for given in (f'x={{"a":1}}; {ours}', f"{ours}; a[b]=c", f"a b=c; {ours};", f'="; {ours}; ,;', f"x; {ours}"):
        assert house.client.get("/settings/sessions", headers={"Cookie": given}).status_code == 200, given


def test_a_link_to_another_account_signs_nobody_out_unasked(house: House) -> None:
    mira = house.visitor().sign_up("mira")
    before = mira.session
    code = nameless(house, accounts.DASHBOARD)
    asked = mira.post("/try", code=code)
    assert asked.status_code == 200
    assert "signed in as <strong>mira</strong>" in asked.text
    name = re.search(r"anon-\w+", asked.text).group()
    assert 'id="send-code"' not in asked.text, "the script sends nothing by itself now"
    assert mira.session == before
    assert is_signed_in(mira)
    assert mira.post("/try", code=code, instead="somebody").status_code == 200, "it must name who is signed out"
    opened = mira.post("/try", code=code, instead="mira")
    assert opened.headers["location"] == f"/{name}"
    assert not any("runkey-device" in cookie for cookie in opened.headers.get_list("set-cookie")), "the browser is still known to mira"
    assert mira.get(f"/{name}").status_code == 200
    # Once more, signed in to that very account, or to none: at once.
    assert mira.post("/try", code=code).status_code == 303
    assert house.visitor().post("/try", code=code).status_code == 303
