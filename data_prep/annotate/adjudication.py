"""What two readers said of the same sections, side by side, for a third look."""

from pathlib import Path
from typing import NamedTuple

from data_prep.annotate.proposals import Start, side_of
from data_prep.annotate.reading import Reading
from data_prep.annotate.sections import Section, Sections
from data_prep.annotate.store import read_finished
from xojl_jax.errors import BadInput, BadUsage

FINAL = "final"  # the folder of what was adjudicated; no reader may be called so


class Adjudication(NamedTuple):
    """Two readers' finished sections.

    Attributes:
      out: the folder that holds both readers' folders.
      readers: their names. The labels to start from are the first one's.
    """

    out: Path
    readers: tuple[str, str]

    def keep_common(self, sections: Sections) -> int:
        """Keeps the sections that both have finished; returns how many only one has.

        Raises BadUsage where there is none.
        """
        finished = [
            {path.stem for path in (self.out / reader).glob("*.json")} for reader in self.readers
        ]
        common, either = set.intersection(*finished), set.union(*finished)
        alone = [name for name in sections.names if name in either - common]
        sections.names = [name for name in sections.names if name in common]
        if not sections.names:
            raise BadUsage(
                f"--adjudicate: {' and '.join(self.readers)} have finished no section in common "
                f"in {self.out}"
            )
        return len(alone)

    def start(self, section: Section) -> Start:
        """Both readers' labels. Raises BadInput where one of them read another tree."""
        sides = {}
        for reader in self.readers:
            record = read_finished(self.out / reader, section.name)
            if record is None or record.html != section.record.html:
                raise BadInput(f"{section.name}: {reader} has not read it as it is in --records")
            sides[reader] = side_of(record)
        first = sides[self.readers[0]]
        origin = f"labels of {self.readers[0]}, where nothing else was decided"
        return Start(first.labels, first.category, origin=origin, sides=sides)


def finish_equal(reading: Reading) -> int:
    """Finishes the sections of which both readers said the same; returns how many."""
    count = 0
    for name, state in zip(reading.sections.names, reading.overview()["states"], strict=True):
        if state == "open":
            try:
                shown = reading.show(name)
            except BadInput:  # is said when the section is opened
                continue
            if not shown["undecided"] and not shown["faults"]:
                reading.decide(name, {"do": "finish", "version": shown["version"]})
                count += 1
    return count
