"""What newer official clients report of themselves."""

from house import House


def test_telemetry_is_answered_and_forgotten(house: House) -> None:
    answer = house.client.post("/sdk/otel/v1/metrics", content=b"\x0a\x00")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "application/x-protobuf")
