"""What a text is that is no JSON: what people paste, export or cut off, and what to do about it."""

import json
import re

# Said of bytes that are text, but in an encoding that JSON may not come in.
_WIDE = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_QUOTED = re.compile(r"\s*[{\[]\s*(?:[{\[]\s*)*'")
_UNFINISHED = re.compile(r"(?:t|tr|tru|f|fa|fal|fals|n|nu|nul|-)?\Z")


def name_encoding(data: bytes) -> str:
    """`UTF-16` or `UTF-32` of bytes that are text so encoded, with or without a mark; else ""."""
    for mark, name in _WIDE.items():
        if data.startswith(mark):
            return name
    head = data[:64]  # ASCII in two or four bytes a character
    zeros = head.count(0)
    if len(head) >= 8 and zeros * 4 >= 3 * (len(head) - 3):
        return "UTF-32"
    return "UTF-16" if len(head) >= 4 and zeros * 2 >= len(head) - 1 else ""


def explain(text: str, error: json.JSONDecodeError) -> tuple[str, str]:
    """(what is wrong, what is wanted instead) of a text that did not read as JSON."""
    start, at = text.lstrip(), error.pos
    if not start:
        return "nothing in it", "one JSON value"
    if start.startswith("<"):
        return (
            "HTML or XML mark-up",
            "a compact tree: python -m data_prep.capture makes records of pages",
        )
    if "```" in (text[: at + 3] if start[0] in "{[" else text):
        return "a Markdown fence, ```", "the JSON alone, without the lines of the fence"
    if error.msg == "Extra data":
        return _after_the_end(text, at)
    if "\0" in text[:64]:
        return "zero bytes in it", "text in UTF-8"
    if _QUOTED.match(text) or text[at : at + 1] == "'":
        return "single quotes, as Python prints", "double quotes, as json.dumps writes them"
    if name := re.match(r"(?:None|True|False)[A-Za-z]*", text[at:]):
        return f"{name[0]}, as Python prints", "null, true or false"
    if text[at:].startswith(("//", "/*", "#")):
        return "a comment", "JSON, which has none"
    if start[0] not in '{["-0123456789tfnNI':
        return "words before the JSON", "the JSON alone"
    if text[at : at + 1] in ("\u201c", "\u201d", "\u201e", "\u00ab"):
        return "typographic quotes", 'straight quotes, "'
    if re.match(r"[A-Za-z_$][\w@.$-]*\s*:", text[at:]):
        return "a key without quotes", "keys in double quotes"
    if _is_cut(text, error):
        return "it ends too early", "the whole text: was the file cut off?"
    if text[at:].lstrip()[:1] in ("}", "]") and text[:at].rstrip().endswith(","):
        return "a comma before a closing bracket", "no comma after the last member"
    if re.match(r"\s*,\s*[}\]]", text[at:]):  # Python 3.13 points at the comma
        return "a comma before a closing bracket", "no comma after the last member"
    return error.msg, "one JSON value"


def _after_the_end(text: str, at: int) -> tuple[str, str]:
    rest = text[at:].lstrip()
    if rest[:1] in "{[":
        return (
            "a second document after the first",
            "one JSON value a file; records one a line are read from records.jsonl",
        )
    return "more text after the end of the JSON", "the JSON alone"


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    if error.msg.startswith(("Unterminated string", "Invalid \\")) and error.pos >= 0:
        # Of a string that is never closed, `pos` is the start.
        return text.count('"', error.pos + 1) == text.count('\\"', error.pos + 1)
    return _UNFINISHED.match(text[error.pos :].strip()) is not None
