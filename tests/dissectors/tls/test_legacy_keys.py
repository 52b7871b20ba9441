"""Key schedules before TLS 1.3 against published vectors; the rest is proved by the records of others."""

from dissectors.tls.legacy_keys import prf


def test_the_prf_of_tls_1_2_with_sha_256():
    # "PRF Test Vectors", mailing list of the IETF TLS working group, 2009
    output = prf(
        "sha256",
        bytes.fromhex("9bbe436ba940f017b17652849a71db35"),
        b"test label",
        bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c"),
        100,
    )
    assert output == bytes.fromhex(
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7"
        "077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"
    )


def test_the_prf_of_tls_1_2_with_sha_384():
    output = prf(
        "sha384",
        bytes.fromhex("b80b733d6ceefcdc71566ea48e5567df"),
        b"test label",
        bytes.fromhex("cd665cf6a8447dd6ff8b27555edb7465"),
        148,
    )
    assert output == bytes.fromhex(
        "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0e534cb40"
        "0fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d"
        "31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e0990703d73e56f"
    )


def test_the_prf_of_tls_1_0():
    # the vector that implementations of RFC 2246 exchanged: 48 times ab, 64 times cd, 104 bytes
    output = prf("md5+sha1", b"\xab" * 48, b"PRF Testvector", b"\xcd" * 64, 104)
    assert output == bytes.fromhex(
        "d3d4d1e349b5d515044666d51de32bab258cb521b6b053463e354832fd976754443bcf9a296519bc289abcbc1187e4ebd31e602353"
        "776c408aafb74cbc85eff69255f9788faa184cbb957a9819d84a5d7eb006eb459d3ae8de9810454b8b2d8f1afbc655a8c9a013"
    )


def test_a_secret_of_odd_length_shares_its_middle_byte():
    # RFC 2246 5: S1 and S2 overlap by one byte; both halves must be the same for these two
    assert prf("md5+sha1", b"abcba", b"x", b"y", 40) == bytes(
        a ^ b for a, b in zip(prf("md5", b"abc", b"x", b"y", 40), prf("sha1", b"cba", b"x", b"y", 40), strict=True)
    )
