"""Ed25519 against the vectors of RFC 8032 7.1, and against a library."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from runkey import identity

# (public key, message, signature): the RFC's tests 1, 2, 3 and "SHA(abc)".
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("public_key", "message", "signature"), VECTORS)
def test_the_rfcs_own_vectors(public_key: str, message: str, signature: str) -> None:
    key, text, signed = bytes.fromhex(public_key), bytes.fromhex(message), bytes.fromhex(signature)
    assert identity.is_signed(key, text, signed)
    assert not identity.is_signed(key, text + b"x", signed)
    for place in (0, 31, 32, 63):
        changed = bytearray(signed)
        changed[place] ^= 1
        assert not identity.is_signed(key, text, bytes(changed))


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_what_a_library_signs_is_taken_and_nothing_else(seed: bytes, message: bytes) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    signature = private.sign(message)
    assert identity.is_signed(public, message, signature)
    assert not identity.is_signed(public, message + b"x", signature)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=8), st.binary(max_size=70))
def test_junk_is_never_taken_and_never_raises(public_key: bytes, message: bytes, signature: bytes) -> None:
    assert not identity.is_signed(public_key, message, signature)


def test_a_scalar_beyond_the_order_is_refused() -> None:
    """RFC 8032 5.1.7: otherwise every signature would have a second form."""
    key, message, signature = (bytes.fromhex(part) for part in VECTORS[1])
    order = 2**252 + 27742317777372353535851937790883648493
    larger = int.from_bytes(signature[32:], "little") + order
    assert not identity.is_signed(key, message, signature[:32] + larger.to_bytes(32, "little"))
