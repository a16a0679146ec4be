"""Messages of Protocol Buffers, field by field, as TensorBoard and W&B write them.

Both formats are one such message after another. A few numbers of their fields are all that is needed, so that
neither program has to be installed.
"""

import struct
from collections.abc import Iterator


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field: a whole number, or the bytes of a text, of a message or of a float.

    Raises `ValueError` where the bytes are no message.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == 2:
            size, place = _varint(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"no field of kind {kind}")
        if place + size > len(message):
            raise ValueError("the message is cut off")
        yield number, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A whole number, seven bits a byte, and the place behind it."""
    value = shift = 0
    while True:
        if place >= len(message):
            raise ValueError("the message is cut off")
        byte = message[place]
        value, shift, place = value | (byte & 127) << shift, shift + 7, place + 1
        if byte < 128:
            return value, place


def texts(message: bytes, number: int) -> list[bytes]:
    """The bytes of every field of this number."""
    return [value for own, value in fields(message) if own == number and isinstance(value, bytes)]


def whole(message: bytes, number: int) -> int:
    """The last whole number of this field, signed; 0, which is not written, where there is none."""
    values = [value for own, value in fields(message) if own == number and isinstance(value, int)]
    value = values[-1] if values else 0
    return value - (1 << 64) if value >= 1 << 63 else value


def real(value: bytes) -> float:
    """A float of 4 or 8 bytes."""
    return float(struct.unpack("<f" if len(value) == 4 else "<d", value)[0])
