"""What the site needs beyond mkdocs: links to files outside docs/ lead to copies of those files."""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
# [text](../path#anchor): a file of the repository that is no page of the site.
OUTWARD = re.compile(r"\]\((\.\./[^)#\s]+)(?:#[^)\s]*)?\)")


def on_files(files, config):
    """Adds every file that a page links to outside docs/, under source/."""
    for page in files.documentation_pages():
        for target in OUTWARD.findall(Path(page.abs_src_path).read_text(encoding="utf-8")):
            path = (ROOT / "docs" / target).resolve()
            if not path.is_file():
                raise FileNotFoundError(f"{page.src_uri} links to {target}, which is not there")
            uri = _source_uri(path)
            if files.get_file_from_path(uri) is None:
                files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Points those links at the copies."""

    def replace(match):
        return f"]({_source_uri((ROOT / 'docs' / match[1]).resolve())})"

    return OUTWARD.sub(replace, markdown)


def _source_uri(path: Path) -> str:
    # .txt: a browser shows it, and mkdocs makes no page of another README.
    return f"source/{path.relative_to(ROOT).as_posix()}.txt"
