"""Instructions for questions that are made of what is known of a page: several wordings of each."""

import hashlib

# By what is asked. Data, not code: more wordings may be added, which changes what is drawn.
INSTRUCTIONS: dict[str, tuple[str, ...]] = {
    "classification": (
        "What kind of page is this?",
        "Which kind of document is this page of?",
        "Classify this page.",
        "Name the kind of this document.",
    ),
    "layout": (
        "Find the regions of this page.",
        "What are the parts of this page, and where are they?",
        "Give the layout of this page.",
        "Mark each part of this page with its label.",
    ),
    "entities": (
        "Find the entities of this page.",
        "List all entities with their labels.",
        "Which entities are on this page?",
        "Mark what is a header, a question or an answer.",
    ),
    "extraction": (
        "Extract the fields of this form.",
        "List each field with its value.",
        "What is filled in on this form?",
        "Give all labels and their values.",
    ),
    "table": (
        "Read this table.",
        "Give the rows and columns of this table.",
        "What are the cells of this table?",
        "Write out this table.",
    ),
    "title": (
        "What is the title?",
        "What title does this page have?",
        "Give the title.",
        "Which title is on this page?",
    ),
    "description": (
        "What is this page about?",
        "Describe this page in a sentence.",
        "Say briefly what this is about.",
        "Summarize this page.",
    ),
    "reading": (
        "Read the words in this box.",
        "What is written here?",
        "Which words are in the marked part?",
        "Read this part of the page.",
    ),
}


def draw(name: str, record: str, count: int) -> int:
    """A number below `count`, always the same for a name and a record's id: as if by chance."""
    digest = hashlib.sha256(f"{name} {record}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % count


def instruction(name: str, record: str) -> str:
    """One of the wordings of `INSTRUCTIONS[name]`, drawn by the record's id."""
    wordings = INSTRUCTIONS[name]
    return wordings[draw(f"instruction {name}", record, len(wordings))]
