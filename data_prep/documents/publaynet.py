"""PubLayNet: a COCO file (`val.json`) and its pictures (`val/*.jpg`). There are no words."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_prep.documents.document import Document, SourceFile
from data_prep.documents.page import Page, Words
from data_prep.documents.pictures import Pictures
from data_prep.documents.pubtables import region_of, site_of
from xojl_jax.documents.json_fields import Region
from xojl_jax.errors import BadInput


def find(coco: Any, file: SourceFile, name: str) -> Iterator[Document]:
    """The pages of a COCO file, in its order."""
    images, marks = _read(coco, name)
    folder = file.name.rpartition(".")[0]
    for image in images:
        file_name = Path(image["file_name"]).name  # never out of the folder
        picture = file.beside(f"{folder}/{file_name}", f"images/{file_name}", file_name)
        fault = "" if picture else f"no picture in {folder}/, images/ or beside the JSON"
        files = {"image": picture.piece} if picture else {}
        stem = Path(file_name).stem
        size = (image["width"], image["height"])
        about = {"stem": stem, "size": size, "marks": marks[image["id"]]}
        source = {"dataset": "publaynet"} | site_of(stem)
        yield Document(f"{name}/{file_name}", "publaynet", files, source, about, fault)


def _read(coco: Any, name: str) -> tuple[list[dict], dict]:
    """Its images, and (category's name, box) of every mark by image."""
    try:
        # By name: copies of the data set count categories from 0 or from 1.
        names = {category["id"]: str(category["name"]) for category in coco["categories"]}
        marks = defaultdict(list)
        for mark in coco.get("annotations", ()):
            box = [float(number) for number in mark["bbox"]]
            marks[mark["image_id"]].append((names[mark["category_id"]], box))
        for image in coco["images"]:
            image["width"], image["height"] = float(image["width"]), float(image["height"])
            if min(image["width"], image["height"]) <= 0:
                raise ValueError(f"{image['file_name']} without size")
        return coco["images"], marks
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = " ".join(str(error).split())[:80]
        raise BadInput(
            f"{name} is no COCO file with images, annotations and categories ({what})"
        ) from error


class PubLayNetPage:
    """One page; its regions are what the data set marks."""

    count = 1

    def __init__(self, document: Document, side: int):
        self.document = f"publaynet:{document.about['stem']}"
        self._about, self._image, self._side = document.about, document.files["image"], side

    def page(self, number: int) -> Page:
        regions: list[Region] = []
        for label, (x, y, width, height) in self._about["marks"]:
            corners = (x, y, x + width, y + height)
            region = region_of(label, corners, self._about["size"])
            regions += [region] if region else []
        image = Pictures(self._image.read()).fitted(number, self._side)
        return Page(image, Words(), regions)
