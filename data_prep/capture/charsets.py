"""Bytes of an HTML file -> its text, as a browser reads them.

WHATWG HTML 13.2.3 (the encoding sniffing algorithm): a byte order mark, what `meta` says within the
first 1,024 bytes, and what such labels mean on the web (Encoding Standard, section 4.2).
"""

import codecs
import re

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SAID = re.compile(
    rb"""<meta[^>]*?charset\s*=\s*["']?\s*([\w:.-]+)|<\?xml[^>]*?encoding\s*=\s*["']([\w:.-]+)""",
    re.IGNORECASE,
)
# What a label means where Python takes it more narrowly than browsers do.
_ON_THE_WEB = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "ms_kanji": "cp932",
    "windows-31j": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-8859-9": "cp1254",
    "tis-620": "cp874",
    "iso-8859-11": "cp874",
    "windows-874": "cp874",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
    "koi8": "koi8-r",
    "x-mac-cyrillic": "mac-cyrillic",
    "macintosh": "mac-roman",
    # A file in UTF-16 has a mark; one that says so in ASCII is none.
    "utf-16": "utf-8",
    "utf-16le": "utf-8",
    "utf-16be": "utf-8",
}
_SNIFFED = 1024  # bytes


def encoding_mark(data: bytes) -> str | None:
    """The Python codec of a byte order mark; None where there is none."""
    return next((codec for mark, codec in _MARKS.items() if data.startswith(mark)), None)


def html_text(data: bytes) -> str:
    """The text of an HTML file. Bytes that mean nothing become U+FFFD, as in a browser."""
    return data.decode(_encoding_of(data), "replace")


def _encoding_of(data: bytes) -> str:
    if mark := encoding_mark(data):
        return mark
    if found := _SAID.search(data[:_SNIFFED]):
        label = (found[1] or found[2]).decode("ascii").lower()
        try:
            return codecs.lookup(_ON_THE_WEB.get(label, label)).name
        except LookupError:
            pass  # a label that nobody knows says nothing
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
