"""The folder that a capture writes: records, screenshots, the author's words, and the accounts."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from data_prep.capture.section import PageResult, Section
from data_prep.capture.sources import PageSource
from xojl_jax.errors import BadUsage
from xojl_jax.files import write_text


class Output:
    """Records of pages, in the order of the pages. A page is written whole or not at all.

    A run that is killed at any moment can be resumed: pages.jsonl names what is done, and it is
    written last. `retry`: pages that failed are not done.
    """

    def __init__(self, folder: Path, settings: dict, *, retry=False):
        self.folder, self.settings = folder, settings
        try:
            (folder / "screenshots").mkdir(parents=True, exist_ok=True)
            with (folder / "records.jsonl").open("a"):
                pass
        except OSError as error:
            raise BadUsage(f"--out {folder}: cannot write there ({error.strerror})") from error
        self._refuse_other_settings()
        self.pages: dict[str, dict] = {}  # uri -> its line of pages.jsonl
        self._seen: set[str] = set()
        self._resume(retry)
        self._write_account({})

    def __enter__(self) -> "Output":
        names = ("records", "author", "pages")
        self._files = {
            name: (self.folder / f"{name}.jsonl").open("a", encoding="utf-8") for name in names
        }
        return self

    def __exit__(self, *_) -> None:
        for file in self._files.values():
            file.close()

    def is_done(self, page: PageSource) -> bool:
        return page.uri in self.pages

    def write(self, page: PageSource, result: PageResult) -> None:
        """Takes in a page; sections that show what was written before are counted, not kept."""
        kept = [section for section in result.sections if self._is_new(section)]
        rejected = Counter(result.rejected)
        rejected["seen before"] += len(result.sections) - len(kept)
        for section in kept:
            (self.folder / section.screenshot).write_bytes(section.image)
            self._files["author"].write(section.author + "\n")
            self._files["records"].write(section.record + "\n")
        for name in ("author", "records"):
            self._files[name].flush()
        line = {
            "uri": page.uri,
            "site": page.site,
            "licence": page.licence,
            "ids": [section.id for section in kept],
            "looks": [section.looks for section in kept],
            "found": result.found,
            "rejected": dict(+rejected),
            "failed": result.failed,
            "no_section": result.reason,
            "area": list(result.area),
            "area_left_out": dict(+result.area_left_out),
            "seconds": round(result.seconds, 2),
            "counts": dict(+result.counts),
        }
        self._files["pages"].write(json.dumps(line) + "\n")
        self._files["pages"].flush()
        self.pages[page.uri] = line

    def finish(self, seconds: float) -> dict:
        """Writes capture.jsonl, the account of every page in the folder; returns it.

        One JSON object. Its name does not end in .json: every such file in a data set is a record.
        """
        sites: dict[str, dict] = {}
        total = _empty_account()
        for line in self.pages.values():
            site = sites.setdefault(line.get("site", ""), _empty_account())
            site["licence"] = line.get("licence", "")
            for account in (site, total):
                _add(account, line)
        # Wall clock of the last run; `seconds` of a site are those of its pages, one by one.
        account = {"settings": self.settings, "last_run_seconds": round(seconds, 1)}
        account |= {"total": total, "sites": sites}
        self._write_account(account)
        return account

    def _write_account(self, account: dict) -> None:
        text = json.dumps(account or {"settings": self.settings}, separators=(",", ":"))
        write_text(self.folder / "capture.jsonl", text + "\n")

    def _refuse_other_settings(self) -> None:
        path = self.folder / "capture.jsonl"
        try:
            before = json.loads(path.read_text(encoding="utf-8"))["settings"]
        except (OSError, ValueError, KeyError, TypeError):
            return
        for name, value in self.settings.items():
            if name in before and before[name] != value:
                raise BadUsage(
                    f"--out {self.folder} holds a capture with {name} {before[name]}, not {value}: "
                    "give the same flags or another folder"
                )

    def _is_new(self, section: Section) -> bool:
        """False when a section that shows the same was written before (a menu on every page)."""
        if section.looks in self._seen:
            return False
        self._seen.add(section.looks)
        return True

    def _resume(self, retry: bool) -> None:
        """Reads what is done; drops records of a page that a killed run left half written."""
        finished = set()
        lines = list(_json_lines(self.folder / "pages.jsonl"))
        for line in lines:
            if not (retry and line.get("failed")):
                self.pages[line["uri"]] = line
                self._seen.update(line["looks"])
                finished.update(line["ids"])
        _rewrite(self.folder / "pages.jsonl", lambda line: _field(line, "uri") in self.pages)
        for name in ("records.jsonl", "author.jsonl"):
            _rewrite(self.folder / name, lambda line: _field(line, "id") in finished)


def _rewrite(path: Path, is_kept) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(True) if path.exists() else []
    kept = [line for line in lines if line.endswith("\n") and is_kept(line)]
    if len(kept) < len(lines):
        write_text(path, "".join(kept))


def _field(line: str, name: str) -> str | None:
    try:
        return json.loads(line).get(name)
    except (ValueError, AttributeError):
        return None


def _json_lines(path: Path) -> Iterator[dict]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return  # the last line of a killed run


def _empty_account() -> dict:
    return {
        "pages": 0,
        "pages_failed": {},
        "pages_without_section": {},
        "sections_found": 0,
        "sections_kept": 0,
        "rejected": {},
        "seconds": 0.0,
        "area": [0, 0],
        "area_left_out": {},
        "counts": {},
    }


def _add(account: dict, line: dict) -> None:
    account["pages"] += 1
    if line.get("failed"):
        _count(account["pages_failed"], line["failed"], 1)
    if line.get("no_section"):
        _count(account["pages_without_section"], line["no_section"], 1)
    area = line.get("area", [0, 0])
    account["area"] = [a + b for a, b in zip(account["area"], area, strict=True)]
    account["sections_found"] += line.get("found", len(line["ids"]))
    account["sections_kept"] += len(line["ids"])
    account["seconds"] = round(account["seconds"] + line.get("seconds", 0.0), 2)
    for name in ("rejected", "area_left_out", "counts"):
        for what, count in line.get(name, {}).items():
            _count(account[name], what, count)


def _count(counts: dict, what: str, count: int) -> None:
    counts[what] = counts.get(what, 0) + count


def _area_line(total: dict) -> str:
    """How much of the pages is in sections, and whose fault the rest is."""
    captured, shown = total["area"]
    left_out = dict(total["area_left_out"])
    missing = left_out.pop("a picture is missing", 0)
    other = sum(left_out.values())
    rest = shown - captured - missing - other
    return (
        f"captured: {captured / shown:.1%} of the area with texts and pictures; "
        f"{missing / shown:.1%} in sections left out since a picture is missing, "
        f"{other / shown:.1%} in sections left out for other reasons, {rest / shown:.1%} in none"
    )


def report(account: dict, done: int, seconds: float, output: Output) -> None:
    """The summary, to standard error."""
    total = account["total"]
    lines = [f"{total['sections_kept']} sections of {total['pages']} pages in {output.folder}"]
    for reason, count in sorted(total["rejected"].items(), key=lambda item: -item[1]):
        lines.append(f"  {count} left out: {reason}")
    failed = [line for line in output.pages.values() if line.get("failed")]
    lines += [f"  page failed: {line['uri']}: {line['failed']}" for line in failed[:20]]
    if len(failed) > 20:
        lines.append(f"  … and {len(failed) - 20} more pages failed (pages.jsonl)")
    empty = [line for line in output.pages.values() if line.get("no_section")]
    lines += [f"  no section: {line['uri']}: {line['no_section']}" for line in empty[:20]]
    if len(empty) > 20:
        lines.append(f"  … and {len(empty) - 20} more pages without a section (pages.jsonl)")
    flaws = {k[5:]: n for k, n in total["counts"].items() if k.startswith("flaw ")}
    for kind, count in sorted(flaws.items(), key=lambda item: -item[1])[:8]:
        lines.append(f"  {count} sections are not told whole: {kind}")
    if total["area"][1]:
        lines.append(_area_line(total))
    counts, found = total["counts"], max(total["sections_found"], 1)
    lines.append(
        f"requests: {counts.get('sent', 0)} sent, {counts.get('refused', 0)} refused, "
        f"{counts.get('missing', 0)} files missing, {counts.get('placeholders', 0)} placeholders"
    )
    by_host = Counter({k: n for k, n in counts.items() if k.startswith("refused from ")})
    if most := by_host.most_common(5):
        said = ", ".join(f"{name.removeprefix('refused from ')} {count}" for name, count in most)
        lines.append(
            f"  refused most often, without a placeholder: {said} (styles, scripts and icon fonts "
            "among them want a package in --shim)"
        )
    lines.append(f"blank: {total['rejected'].get('blank', 0) / found:.1%} of sections found")
    if done:
        lines.append(f"{done} pages in {seconds:.0f} s, {done / max(seconds, 0.01):.2f} pages/s")
    print("\n".join(lines), file=sys.stderr)
