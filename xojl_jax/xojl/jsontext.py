"""JSON text to Python values, for text that nobody vouches for.

`json.loads` with three changes: repeated keys are kept, NaN and Infinity are marked rather than
read, and every fault (size, encoding, nesting, syntax) is an XojlError.
"""

import json
import re

from xojl_jax.xojl import json_faults
from xojl_jax.xojl.faults import XojlError, shorten

_DEEP = 200  # levels; far more than any cap, fewer than make json give up
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)


class NotANumber:
    """Takes the place of NaN, Infinity or -Infinity, which are not JSON."""

    def __init__(self, name: str):
        self.name = name


class Pairs(tuple):
    """An object in which a key is repeated: its (key, value) pairs in order."""

    __slots__ = ()


def decode(text: str | bytes | bytearray, limit: int, place: str):
    """The value of one JSON text of at most `limit` bytes. Objects are dict, or Pairs."""
    text = _as_text(text, limit, place)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"{place} line {error.lineno} column {error.colno}"
        what, wanted = json_faults.explain(text, error)
        raise XojlError(f"not JSON ({what})", where, wanted) from None
    except ValueError:  # an integer of more digits than Python converts
        raise XojlError("a number too long to read", place, "numbers of ordinary size") from None
    except RecursionError:
        where = f"{place} {_way_down(text)}"
        raise XojlError("nesting too deep to read", where, "far fewer levels") from None


def describe(value) -> str:
    """What a value is, in JSON's words, for messages."""
    if isinstance(value, NotANumber):
        return value.name
    if value is None:
        return "null"
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[") and len(value) > 1:
        return "a string of JSON"
    names = {bool: "true or false", int: "a number", float: "a number", str: "a string"}
    names |= {list: "a list", dict: "an object", Pairs: "an object", bytes: "bytes"}
    return names.get(type(value), f"a {type(value).__name__}")


def _as_text(text: str | bytes | bytearray, limit: int, place: str) -> str:
    # Characters are counted first: the cheap test must come before any copy is made.
    size = len(text)
    if size <= limit and isinstance(text, str) and not text.isascii():
        size = len(text.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise XojlError(f"{size:,} bytes or more of text", place, f"at most {limit:,} bytes")
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    if encoding := json_faults.name_encoding(bytes(text[:64])):
        raise XojlError(f"{encoding} text", place, "text in UTF-8: save it so")
    try:
        return bytes(text).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"{place} byte {error.start}"
        raise XojlError("bytes that are not UTF-8", where, "text in UTF-8") from None


def _object(pairs: list):
    decoded = dict(pairs)
    return decoded if len(decoded) == len(pairs) else Pairs(pairs)


def _way_down(text: str) -> str:
    """The first steps towards the first place that is nested out of all proportion."""
    names, last = [], ""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in ("{", "["):
            names.append(shorten(last, 20).strip("'") or "[…]")
            if len(names) > _DEEP:
                break
            last = ""
        elif token in ("}", "]"):
            names[-1:] = []
        else:
            last = token.strip('"')
    return "/".join(names[1:7]) + "/…"


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=NotANumber)
