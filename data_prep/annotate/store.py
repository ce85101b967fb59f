"""A reader's folder: drafts of sections, and the records of those that are finished.

    OUT/READER/NAME.json               a finished section: a record
    OUT/READER/screenshots/NAME.webp   its picture
    OUT/READER/drafts/NAME.json        every decision about it, finished or not

So a reader's folder is a data set of finished sections: commands that read records look into no
folder below. Every file is replaced whole; a process may die at any moment.
"""

import fcntl
from collections.abc import Iterable
from pathlib import Path

from data_prep.annotate.draft import Draft
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import replacing, sync_folder, write_bytes, write_text
from xojl_jax.xojl.record import Record, parse_record, record_to_json


class Store:
    """The folder of one reader, for one process at a time.

    Raises BadUsage where it cannot be written to, or where another process has it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        try:
            for name in ("drafts", "screenshots"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            self._lock = (folder / "drafts" / ".lock").open("w")
        except OSError as error:
            raise BadUsage(f"{folder}: cannot write there ({error.strerror})") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise BadUsage(
                f"{folder} is open in another process: end that one, or use the page it shows"
            ) from error

    def close(self) -> None:
        self._lock.close()

    def states(self, names: Iterable[str]) -> dict[str, str]:
        """name -> "finished", "left out", "begun" or "open"."""
        finished = {path.stem for path in self.folder.glob("*.json")}
        begun = {path.stem for path in (self.folder / "drafts").glob("*.json")} - finished
        return {
            name: "finished" if name in finished else self._begun(name) if name in begun else "open"
            for name in names
        }

    def _begun(self, name: str) -> str:
        try:
            draft = self.draft(name)
        except BadInput:  # is said when the section is opened
            draft = None
        return "left out" if draft and draft.left_out else "begun"

    def draft(self, name: str) -> Draft | None:
        """Raises BadInput where the file is damaged."""
        path = self.folder / "drafts" / f"{name}.json"
        if not path.is_file():
            return None
        return Draft.from_json(path.read_bytes(), str(path))

    def save(self, name: str, draft: Draft) -> None:
        """A section that goes on: if it was finished, its record leaves the data set."""
        with replacing(self.folder / "drafts" / f"{name}.json") as temporary:
            temporary.write_text(draft.to_json(), encoding="utf-8")
            # Between the two: a full disk leaves both as they were, and a record is never
            # beside a draft that went on after it.
            (self.folder / f"{name}.json").unlink(missing_ok=True)

    def finish(self, name: str, draft: Draft, record: Record, picture: bytes) -> None:
        """Writes a record and its picture, and the draft that led to it."""
        write_bytes(self.folder / record.screenshot, [picture])
        write_text(self.folder / "drafts" / f"{name}.json", draft.to_json())
        # Last: where the record is, all is.
        write_text(self.folder / f"{name}.json", record_to_json(record) + "\n")
        sync_folder(self.folder)


def read_finished(folder: Path, name: str) -> Record | None:
    """The record of a section that a reader has finished."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    try:
        return parse_record(path.read_bytes(), where=str(path))
    except OSError as error:
        raise BadInput(f"{path}: cannot read the record ({error.strerror})") from error
