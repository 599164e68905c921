"""A machine that asks to be let in (RFC 8628), and whoever decides."""

from house import House, Visitor

from runkey_wire import device_authorization as wire

ASKING = {"machine_name": "gpu07", "os_user": "mira", "system": "Linux 6.1 x86_64"}


def ask(house: House, **more: str) -> dict:
    answer = house.client.post("/oauth/device_authorization", data={"client_id": "runkey", **ASKING, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def poll(house: House, device_code: str, **more: str) -> "tuple[int, dict]":
    form = {"client_id": "runkey", "grant_type": wire.DEVICE_GRANT, "device_code": device_code} | more
    answer = house.client.post("/oauth/token", data=form)
    return answer.status_code, answer.json()


def approve(visitor: Visitor, codes: dict, decision: str = "approve", **more: str) -> object:
    address = f"/device?user_code={codes['user_code']}"
    return visitor.post("/device", at=address, user_code=codes["user_code"], decision=decision, **more)


def join(house: House, visitor: Visitor, **more: str) -> dict:
    """Let a machine in; give what the token endpoint answered."""
    codes = ask(house, **more)
    approve(visitor, codes)
    status, joined = poll(house, codes["device_code"])
    assert status == 200, joined
    return joined
