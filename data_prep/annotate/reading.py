"""One reader at work: sections in order, each decision checked, saved, and only then shown."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from data_prep.annotate.draft import Draft, Labels, edit
from data_prep.annotate.guide import mend
from data_prep.annotate.proposals import CATEGORY, Start
from data_prep.annotate.sections import Section, Sections
from data_prep.annotate.store import Store, read_finished
from data_prep.label.folder import REASON
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.build import layout_from_labels
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS, Visit, preorder, used_elements

TEXT = 120  # characters of a node's text that are shown


class Stale(BadUsage):
    """The page shows an older draft than the one that is saved."""


class Fault(NamedTuple):
    """A rule of the language that is broken."""

    node: int  # of html; -1 for the section as a whole
    rule: str
    mend: str


class Reading:
    """What one reader reads.

    Args:
      sections: to read.
      store: where decisions go.
      start: the labels that a section starts with.
      about: goes into every record under `reading`: who read it.
    """

    def __init__(
        self,
        sections: Sections,
        store: Store,
        start: Callable[[Section], Start],
        about: Mapping[str, Any],
    ):
        self.sections, self.about = sections, about
        self._store, self._start = store, start
        self._states = store.states(sections.names)
        # A decision follows the one before it within a second: rules need not run again for it.
        self._read = lru_cache(maxsize=8)(self._read_anew)

    # --- what the page shows -----------------------------------------------------------------

    def overview(self) -> dict[str, Any]:
        return {
            **self.about,
            "names": self.sections.names,
            "states": [self._states[name] for name in self.sections.names],
        }

    def show(self, name: str) -> dict[str, Any]:
        """A section as the page draws it. Raises BadInput where it cannot be read."""
        section, start, draft = self._open(name)
        now = draft.now()
        return {
            "name": name,
            "source": (section.record.source or {}).get("uri", ""),
            "viewport": section.record.viewport,
            "nodes": [_node(section, visit) for visit in section.nodes],
            "origin": start.origin,
            "start": {"labels": draft.labels, "category": draft.category},
            "proposals": {node: told._asdict() for node, told in start.proposals.items()},
            "sides": {
                reader: {"labels": side.labels, "category": side.category}
                for reader, side in start.sides.items()
            },
            **self._told(name, section, start, draft, now),
        }

    def _told(
        self, name: str, section: Section, start: Start, draft: Draft, now: Labels
    ) -> dict[str, Any]:
        """What changes with a decision."""
        return {
            "labels": now.labels,
            "category": now.category,
            "seen": sorted(now.seen),
            "faults": [fault._asdict() for fault in faults(section.record, now)],
            "undecided": undecided(start, now, section.nodes),
            "undo": draft.applied,
            "redo": len(draft.changes) - draft.applied,
            "version": draft.version,
            "state": self._states[name],
            "left_out": draft.left_out,
        }

    # --- decisions ---------------------------------------------------------------------------

    def decide(self, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Does what a page asks, saves it, and returns what changed.

        Raises:
          BadUsage: the request is not possible; nothing has changed. `Stale` where the page shows
            something older than what is saved.
          OSError: it could not be saved; nothing has changed.
        """
        section, start, draft = self._open(name)
        if asked.get("version") != draft.version:
            raise Stale("this section was changed in another window: it is shown anew")
        what = asked.get("do")
        if what == "finish":
            self._finish(section, start, draft)
        else:
            draft = self._changed(what, asked, draft, section)
            self._store.save(name, draft)
            self._states[name] = "left out" if draft.left_out else "begun"
        return self._told(name, section, start, draft, draft.now())

    def leave_out(self, name: str, why: str) -> None:
        """Leaves a section out, unless it is for that reason already."""
        shown = self.show(name)
        if shown["left_out"] != why:
            self.decide(name, {"do": "leave out", "why": why, "version": shown["version"]})

    def decide_all(self, name: str, labels: Mapping[int, str], category: str) -> str:
        """Decides a whole section, as if in the page, and finishes it.

        Args:
          labels: html node -> element, of every node that has one.

        Returns:
          "", or what keeps it from being finished: the rules of the language that are broken.
          What was decided until then is saved.

        Raises BadUsage where a label is not possible.
        """
        shown = self.show(name)

        def decide(**asked: Any) -> None:
            shown.update(self.decide(name, {**asked, "version": shown["version"]}))

        now = dict(shown["labels"])
        # From the root down: a leaf takes labels inside it away, which no answer may give anyway.
        for node in sorted({*now, *labels}):
            if now.get(node) != labels.get(node):
                what = "label" if node in labels else "unlabel"
                decide(do=what, node=node, element=labels.get(node))
        if shown["category"] != category or CATEGORY in shown["undecided"]:
            decide(do="category", category=category)
        # Of two readers: what the answer leaves as it was is decided, too.
        for node in shown["undecided"]:
            decide(do="accept", node=node)
        if shown["faults"]:
            return "; ".join(
                f"node {each['node']}: {each['rule']} ({each['mend']})" for each in shown["faults"]
            )
        if shown["state"] != "finished":
            decide(do="finish")
        return ""

    def finished(self) -> Iterator[Record]:
        """The records of the sections that are finished, in order."""
        for name in self.sections.names:
            record = read_finished(self._store.folder, name)
            if record is not None:
                yield record

    def _changed(
        self, what: Any, asked: Mapping[str, Any], draft: Draft, section: Section
    ) -> Draft:
        if what == "undo":
            return draft.undo()
        if what == "redo":
            return draft.redo()
        if what == "leave out":
            why = str(asked.get("why", "")).strip()[:500]
            if not why:
                raise BadUsage("say why the section is left out")
            return draft.leave_out(why)
        return draft.add(edit(asked, draft.now(), section.nodes))

    def _finish(self, section: Section, start: Start, draft: Draft) -> None:
        now = draft.now()
        if found := faults(section.record, now):
            raise BadUsage(f"not finished: {len(found)} rules of the language are broken")
        if left := undecided(start, now, section.nodes):
            differ = f"the readers differ in {len(left)} places that are not decided"
            raise BadUsage(f"not finished: {differ if now.category else 'choose the category'}")
        record = self._record(section, start, draft, now)
        self._store.finish(section.name, replace(draft, left_out=""), record, section.picture)
        self._states[section.name] = "finished"

    def _record(self, section: Section, start: Start, draft: Draft, now: Labels) -> Record:
        layout, nodes = layout_from_labels(section.record.html, _ids(now, len(section.nodes)))
        quality = dict(section.record.quality or {})
        # The rules' confidence is replaced by a person's; what the tree does not say, no label can
        # be right about (as in data_prep.label).
        quality |= {"label": quality.get("capture", 1.0), "reader": 1.0}
        if start.sides:
            quality["agreement"] = agreement(start)
        changed = {node for node in {*draft.labels, *now.labels} if _differs(node, draft, now)}
        about = {
            **self.about,
            "changed": len(changed),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        extra = {**section.record.extra, "reading": about}
        extra.pop(REASON, None)  # why the rules' labels were rejected; these are a person's
        return replace(
            section.record,
            screenshot=f"screenshots/{section.name}.{section.kind}",
            layout=layout,
            layout_nodes=nodes,
            layout_confidence=None,
            used_elements=used_elements(layout),
            category=now.category,
            quality=quality,
            extra=extra,
        )

    def _open(self, name: str) -> tuple[Section, Start, Draft]:
        """The section, what it starts with, and its draft, which is a new one at first."""
        section, start = self._read(name)
        draft = self._store.draft(name)
        fingerprint = section.fingerprint + start.fingerprint()
        if draft is None:
            return section, start, Draft.begin(fingerprint, start)
        if draft.section != fingerprint:
            raise BadInput(
                f"{name}: it is not what was read before (another tree, or a reader who read it "
                f"again): move {self._store.folder}/drafts/{name}.json away to start anew"
            )
        return section, start, draft

    def _read_anew(self, name: str) -> tuple[Section, Start]:
        if name not in self._states:
            raise BadUsage(f"no section is called {name[:100]!r}")
        section = self.sections[name]
        return section, self._start(section)

    def picture(self, name: str) -> tuple[bytes, str]:
        """The encoded screenshot and its kind, such as "image/png"."""
        section, _ = self._read(name)
        return section.picture, f"image/{section.kind}"

    def close(self) -> None:
        """Lets another process have the folder."""
        self._store.close()

    def counts(self) -> Counter:
        """How many sections are in which state."""
        return Counter(self._states.values())


# --- checks --------------------------------------------------------------------------------------


def faults(record: Record, now: Labels) -> list[Fault]:
    """Every rule of the language that labels break, in the order of the nodes."""
    ids = _ids(now, len(preorder(record.html)))
    layout, nodes = layout_from_labels(record.html, ids)
    return [
        Fault(nodes[broken.index] if broken.index >= 0 else -1, broken.rule, mend(broken.rule))
        for broken in violations(layout)
    ]


def undecided(start: Start, now: Labels, nodes: list[Visit]) -> list[int]:
    """What must be decided before the section is finished, in the order of the nodes.

    Those are the differences between two readers, and the category where nothing proposed one.
    """
    # What is inside a leaf that was decided is merged into it: there is nothing left to decide.
    merged = {
        inside
        for node, element in now.labels.items()
        if node in now.seen and element not in CONTAINERS
        for inside in range(node + 1, nodes[node].subtree_end)
    }
    wanted = start.differences() if now.category else [CATEGORY]
    return [node for node in wanted if node not in now.seen and node not in merged]


def agreement(start: Start) -> float:
    """F1 of two readers' labels: the same element at the same node, the root left out."""
    one, two = (dict(side.labels) for side in start.sides.values())
    for labels in (one, two):
        labels.pop(min(labels, default=None), None)  # the root is always a section
    same = sum(two.get(node) == element for node, element in one.items())
    total = len(one) + len(two)
    return round(2 * same / total, 4) if total else 1.0


def _differs(node: int, draft: Draft, now: Labels) -> bool:
    return draft.labels.get(node) != now.labels.get(node)


def _ids(now: Labels, count: int) -> list[int]:
    """Element ids by html node; -1 where there is no label."""
    return [ELEMENTS.index(now.labels[i]) if i in now.labels else -1 for i in range(count)]


def _node(section: Section, visit: Visit) -> dict[str, Any]:
    """An html node as the page draws it. Its text is the author's, else the placeholders'."""
    boxes, author = section.record.html_boxes, section.author
    own = [content.value for content in visit.node.content if content.kind == "text"]
    text = " ".join(own)
    if own and author is not None:
        text = author[visit.index].get("text", "") or text
    return {
        "tag": visit.node.tag,
        "classes": " ".join(visit.node.classes),
        "holds": sorted({content.kind for content in visit.node.content}),
        "text": text[:TEXT],
        "parent": visit.parent,
        "end": visit.subtree_end,
        "box": boxes[visit.index][:4] if boxes else None,
        "z": boxes[visit.index][4] if boxes else 0,
    }
