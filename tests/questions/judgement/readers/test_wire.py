"""Messages of Protocol Buffers, by hand: the examples of its documentation."""

import struct

import pytest

from kobai.questions.judgement.readers import wire


def test_by_hand():
    message = bytes.fromhex("089601") + bytes.fromhex("120774657374696e67") + b"\x1d" + struct.pack("<f", 0.5)
    assert list(wire.fields(message)) == [(1, 150), (2, b"testing"), (3, struct.pack("<f", 0.5))]
    assert (wire.whole(message, 1), wire.whole(message, 9)) == (150, 0)
    assert wire.real(wire.texts(message, 3)[0]) == 0.5
    assert wire.whole(b"\x08" + b"\xff" * 9 + b"\x01", 1) == -1


@pytest.mark.parametrize("message", [b"\x08", b"\x12\x09abc", b"\x0b", b"\x1d\x00"])
def test_what_is_cut_off_is_no_message(message):
    with pytest.raises(ValueError, match="cut off|no field"):
        list(wire.fields(message))
