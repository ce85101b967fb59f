"""The folder that the command writes: records, pictures, and what became of each document."""

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from data_prep.documents.readers import Settings
from data_prep.documents.serve import PageDone
from data_prep.documents.workers import Finished, Started
from xojl_jax.errors import BadUsage
from xojl_jax.files import write_text

# These say what is done with bad files, not what is in a record.
_FREE_SETTINGS = ("page_seconds", "memory_gib")


class Output:
    """Records in the order of documents and pages. A document is written whole or not at all.

    A run that is killed at any moment can be resumed: documents.jsonl names what is done, and how
    long records.jsonl was then; what is behind that is cut off.
    """

    def __init__(self, folder: Path, settings: Settings):
        self.folder = folder
        self._settings = asdict(settings)
        self.documents: dict[str, dict] = {}  # uri -> its line of documents.jsonl
        self.ended: dict[str, int] = {}  # files from elsewhere that are done -> their documents
        self._uris: dict[str, str] = {}  # id of a document -> the uri of the one that was kept
        try:
            (folder / "images").mkdir(parents=True, exist_ok=True)
            self._refuse_other_settings()
            self._resume()
            self._write_summary(0)
            self._records = (folder / "records.jsonl").open("ab")
            self._documents = (folder / "documents.jsonl").open("a", encoding="utf-8")
        except OSError as error:
            raise BadUsage(f"--out {folder}: cannot write there ({error.strerror})") from error
        self._twin = ""
        self._begin()

    def close(self) -> None:
        self._records.close()
        self._documents.close()

    def twin_of(self, document: str) -> str:
        """The uri of a document that was kept under this id; "" if there is none."""
        return self._uris.get(document, "")

    def write(self, event: Started | PageDone | Finished) -> None:
        if isinstance(event, Started):
            self._twin = self.twin_of(event.opened.document)
        elif isinstance(event, Finished):
            self._finish(event)
            self._begin()
        else:
            self._told += 1
            if event.left_out and not self._twin:
                self._leave_out(event.left_out, 1, event.number)
            elif not self._twin:
                self._records.write(event.record.encode() + b"\n")
                self._kept += 1

    def _begin(self) -> None:
        self._kept, self._told, self._twin = 0, 0, ""
        self._left_out: dict[str, dict] = {}

    def _leave_out(self, reason: str, pages: int, first: int) -> None:
        entry = self._left_out.setdefault(reason, {"pages": 0, "first": first})
        entry["pages"] += pages

    def _finish(self, event: Finished) -> None:
        pages = event.opened.pages if event.opened else 0
        wanted = min(pages, self._settings["most_pages"] or pages)
        # Known before its pages are read, or after, as it happens: the line is the same.
        twin = self.twin_of(event.opened.document) if event.opened else ""
        failed = f"the same document as {twin}" if twin else ""
        if event.opened is None:
            failed = event.reason
        elif not twin:
            if pages > wanted:
                self._leave_out("beyond --pages", pages - wanted, wanted)
            if wanted > self._told:
                self._leave_out(event.reason, wanted - self._told, self._told)
            self._uris[event.opened.document] = event.document.uri
        self._records.flush()
        line = {
            "uri": event.document.uri,
            "document": event.opened.document if event.opened else None,
            "dataset": event.document.source.get("dataset"),
            "bytes": event.document.size,
            "pages": pages,
            "kept": self._kept,
            "left_out": self._left_out,
            "failed": failed,
            "records_end": self._records.tell(),
        }
        if event.document.passing:
            line["retry"] = True
        if event.document.ends:
            line["ends"] = {"file": event.document.file, "documents": event.document.ends}
        self._documents.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._documents.flush()
        self.documents[event.document.uri] = line

    def finish(self, seconds: float) -> dict:
        """Writes summary.jsonl, the sums over all documents in the folder; returns them."""
        self.close()
        return self._write_summary(seconds)

    def _write_summary(self, seconds: float) -> dict:
        sums = {
            "documents": len(self.documents),
            "documents_failed": Counter(),
            "pages": 0,
            "kept": 0,
            "left_out": Counter(),
        }
        for line in self.documents.values():
            if line["failed"]:
                sums["documents_failed"][_kind(line["failed"])] += 1
                continue
            sums["pages"] += line["pages"]
            sums["kept"] += line["kept"]
            for reason, entry in line["left_out"].items():
                sums["left_out"][reason] += entry["pages"]
        account = {"settings": self._settings, "last_run_seconds": round(seconds, 1), **sums}
        write_text(self.folder / "summary.jsonl", json.dumps(account, ensure_ascii=False) + "\n")
        return account

    def _refuse_other_settings(self) -> None:
        try:
            text = (self.folder / "summary.jsonl").read_text(encoding="utf-8")
            before = json.loads(text)["settings"]
        except (OSError, ValueError, KeyError, TypeError):
            return
        for name, value in self._settings.items():
            if name not in _FREE_SETTINGS and name in before and before[name] != value:
                raise BadUsage(
                    f"--out {self.folder} holds records with {name} {before[name]}, not {value}: "
                    "give the same flags or another folder"
                )

    def _resume(self) -> None:
        path, end, whole = self.folder / "documents.jsonl", 0, []
        for text in path.read_text(encoding="utf-8").splitlines(True) if path.exists() else []:
            try:
                line = json.loads(text) if text.endswith("\n") else None
            except ValueError:
                line = None
            if line is None:
                break  # the last line of a killed run
            end = line["records_end"]
            if line.get("retry"):
                continue  # as if it had never been: there are no records of it
            whole.append(text)
            self.documents[line["uri"]] = line
            if "ends" in line:
                self.ended[line["ends"]["file"]] = line["ends"]["documents"]
            if line["document"] and not line["failed"]:
                self._uris[line["document"]] = line["uri"]
        if path.exists():
            write_text(path, "".join(whole))
        records = self.folder / "records.jsonl"
        size = records.stat().st_size if records.exists() else 0
        if size < end:
            raise BadUsage(
                f"{records} has {size} bytes, and {path.name} tells of {end}: it was cut or "
                "changed; remove both, or give another folder"
            )
        with records.open("ab") as file:
            file.truncate(end)


def _kind(reason: str) -> str:
    """A reason without the name that ends it, so that equal ones are counted together."""
    return "the same document as another" if reason.startswith("the same document as ") else reason


def report(account: dict, output: Output, pages: int, seconds: float) -> None:
    """The summary, to standard error."""
    lines = [
        f"{account['kept']} records of {account['pages']} pages, {account['documents']} documents, "
        f"in {output.folder}"
    ]
    for reason, count in sorted(account["left_out"].items(), key=lambda item: -item[1]):
        lines.append(f"  {count} pages left out: {reason}")
    failed = [line for line in output.documents.values() if line["failed"]]
    lines += [f"  document failed: {line['uri']}: {line['failed']}" for line in failed[:20]]
    if len(failed) > 20:
        lines.append(f"  … and {len(failed) - 20} more documents failed (documents.jsonl)")
    if pages:
        lines.append(f"{pages} pages in {seconds:.0f} s, {pages / max(seconds, 0.01):.2f} pages/s")
    print("\n".join(lines), file=sys.stderr)
