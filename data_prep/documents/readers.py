"""How each kind of document is opened."""

from collections.abc import Callable
from dataclasses import dataclass

from data_prep.documents.document import Document
from data_prep.documents.docvqa import DocVqaPage
from data_prep.documents.funsd import FunsdPage
from data_prep.documents.page import Pages
from data_prep.documents.pdf import PdfPages
from data_prep.documents.pictures import PicturePages
from data_prep.documents.publaynet import PubLayNetPage
from data_prep.documents.pubtables import PubTablesPage
from data_prep.documents.shards import open_sample


@dataclass(frozen=True)
class Settings:
    """What decides about the bytes of the records. All of it is kept in the summary."""

    side: int = 1024  # px: the square that pictures are fitted into
    image_format: str = "png"
    most_pages: int | None = None  # of one document, the first ones
    least_words: int = 1  # of a page whose words are looked for
    most_words: int = 5000
    most_mb: float = 200.0  # of one document's files
    page_seconds: float = 30.0  # of processor time, to open a document and for each page
    memory_gib: float = 2.0  # of one process, beyond what it needs to start
    ocr: str | None = None  # the language for Tesseract; None: no OCR
    folder_is_site: bool = False  # documents of one folder stay in one split


def _open_pdf(document: Document, settings: Settings) -> Pages:
    return PdfPages(
        document.files["pdf"].read(),
        side=settings.side,
        most_words=settings.most_words,
        ocr=settings.ocr,
    )


READERS: dict[str, Callable[[Document, Settings], Pages]] = {
    "pdf": _open_pdf,
    "picture": lambda document, settings: PicturePages(document, settings.side),
    "shard": lambda document, settings: open_sample(document, settings.side),
    "pubtables": lambda document, settings: PubTablesPage(document, settings.side),
    "publaynet": lambda document, settings: PubLayNetPage(document, settings.side),
    "funsd": lambda document, settings: FunsdPage(document, settings.side),
    "docvqa": lambda document, settings: DocVqaPage(document, settings.side),
}
