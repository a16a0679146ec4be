"""Text files in UTF-8 and in what older systems write; what is none of it is told with its place."""

import pytest

from kobai.basics.errors import UsageError
from kobai.tasks.table import encodings
from kobai.tasks.table.encodings import in_utf_8
from terminal import says_in_each_language

TEXT = "名前,点数\n山田,3\nｶﾅ,4\n"


@pytest.fixture(params=[2**23, 7])
def read(request, tmp_path, monkeypatch):
    """What is read of bytes, in one piece and in pieces, and how it was encoded."""
    monkeypatch.setattr(encodings, "PIECE", request.param)

    def reading(content):
        path = tmp_path / "data.csv"
        path.write_bytes(content)
        with in_utf_8(path) as (file, encoding):
            return file.read().decode(), encoding

    return reading


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [("utf-8", ""), ("cp932", "Shift_JIS"), ("euc_jp", "EUC-JP"), ("utf-16", "UTF-16")],
)
def test_each_encoding_is_told_from_the_bytes(read, codec, encoding):
    assert read(TEXT.encode(codec)) == (TEXT, encoding)


def test_what_marks_no_lines_but_by_returns_gets_line_feeds(read):
    assert read(b"a,b\r1,2\r") == ("a,b\n1,2\n", "")
    assert read(b"a,b\r\n1,2\r\n")[0] == "a,b\r\n1,2\r\n"


@pytest.mark.parametrize(
    ("content", "byte", "place"),
    [
        ("größe,straße\n".encode("latin-1"), "0xf6", 2),
        (b"a\n" + b"1\n" * 50 + b"\xff\n", "0xff", 102),
        (b"gr\xc3", "0xc3", 2),  # a letter that is cut off
        (b"\xff\xfea\x00\x00", "0x00", 4),
    ],
)
def test_a_byte_that_is_no_letter_is_told_with_its_place(read, content, byte, place):
    with pytest.raises(UsageError) as caught:
        read(content)
    assert says_in_each_language(
        caught.value, ["is not in UTF-8", f"byte {byte} at position {place}", "CSV UTF-8"]
    )


def test_half_width_kana_alone_would_be_any_encoding(read):
    """The wrong variant: what Shift_JIS can decode is not yet Shift_JIS."""
    latin = "Übergröße\n".encode("latin-1")
    assert latin.decode("cp932", "ignore")
    with pytest.raises(UsageError):
        read(latin)
