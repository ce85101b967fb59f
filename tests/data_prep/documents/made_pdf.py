"""PDFs of a few hundred bytes, written by hand."""


def make_pdf(
    *contents: str, box="0 0 200 100", page_extra="", trailer_extra="", resources="", objects=()
):
    """A PDF of one page per content stream, with Helvetica as /F1.

    Args:
      box: MediaBox in points.
      page_extra: further entries of every page, such as /Rotate 90.
      resources: further resources of every page.
      trailer_extra: further entries of the trailer.
      objects: further objects, numbered from 4 + 2 * pages.
    """
    count = len(contents)
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(count))
    bodies = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {count}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for i, content in enumerate(contents):
        bodies.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents {5 + 2 * i} 0 R"
            f"/Resources<</Font<</F1 3 0 R>>{resources}>>{page_extra}>>"
        )
        bodies.append(f"<</Length {len(content)}>>stream\n{content}\nendstream")
    bodies += objects
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += f"{number} 0 obj{body}endobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(bodies) + 1
    tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R"
    return out + f"{tail}{trailer_extra}>>\nstartxref\n{len(out)}\n%%EOF\n".encode("latin-1")


def text(x: float, y: float, words: str, size: float = 10) -> str:
    """Content that shows words from (x, y), the start of their baseline, in points."""
    return f"BT /F1 {size} Tf {x} {y} Td ({words}) Tj ET\n"


# A standard security handler with passwords that nobody knows: PDFium asks for one.
ENCRYPTED = make_pdf(
    text(10, 50, "secret"),
    objects=[f"<</Filter/Standard/V 1/R 2/P -4/O<{'41' * 32}>/U<{'42' * 32}>>>"],
    trailer_extra="/Encrypt 6 0 R/ID[<00><00>]",
)
