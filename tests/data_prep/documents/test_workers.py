"""The order in which pages are told, whatever the order in which processes read or die."""

from data_prep.documents.document import Blob, Document
from data_prep.documents.readers import Settings
from data_prep.documents.serve import BATCH, Batch, Opened, PageDone
from data_prep.documents.workers import Finished, Started, _Job

DOCUMENT = Document("a.pdf", "pdf", {"pdf": Blob("a.pdf", 10)})
OPENED = Opened("sha256:a", 100)


def make_job(**settings) -> _Job:
    return _Job(DOCUMENT, Settings(**settings), lambda document: "")


def test_pages_are_told_in_order():
    """Protects equal bytes on every run: batches may end in any order."""
    job = make_job(most_pages=40)
    first = Batch(DOCUMENT, *job.todo.pop())
    job.open(OPENED)
    assert job.todo == [(32, 40)]
    for number in (*range(32, 40), *range(1, 32)):
        job.add(PageDone(number))
    assert list(job.events) == [Started(DOCUMENT, OPENED)]
    job.die(first, 0, "slow")  # the others of its batch are read again
    assert job.todo == []  # but all of them were there, so that the document is whole
    told = list(job.events)[1:]
    assert [page.number for page in told[:-1]] == list(range(40))
    assert told[-1] == Finished(DOCUMENT, OPENED)


def test_a_document_on_which_processes_die_is_given_up():
    """Protects the time: three deaths in the order of pages, not in that of their happening."""
    job = make_job()
    job.open(OPENED)
    for page in (70, 40):
        start = page // BATCH * BATCH
        job.die(Batch(DOCUMENT, start, start + BATCH), page, "died")
    for number in range(100):
        if number not in (5, 40, 70, 71):
            job.add(PageDone(number))
    assert not any(isinstance(event, Finished) for event in job.events)
    job.die(Batch(DOCUMENT), 5, "died")
    job.die(Batch(DOCUMENT, 71, 96), 71, "not told any more")
    told = list(job.events)[1:]
    assert [page.number for page in told[:-1]] == list(range(71))
    assert told[-1] == Finished(DOCUMENT, OPENED, "given up: 3 of its pages ended their process")
    assert job.todo == []


def test_a_document_that_claims_pages_is_given_up():
    """Protects the time from a file of 1 kB that tells of a million pages."""
    job = make_job()
    job.open(Opened("sha256:a", 900_000))
    for number in range(200):
        job.add(PageDone(number, left_out="a broken page", broken=number != 50))
    told = list(job.events)[1:]
    assert len(told) == 152
    assert told[-1].reason == "given up: 100 broken pages in a row"


def test_a_document_that_was_seen_is_not_read_again():
    """Protects time and splits from copies."""
    job = _Job(DOCUMENT, Settings(), lambda document: "b.pdf")
    job.open(OPENED)
    assert list(job.events) == [Finished(DOCUMENT, OPENED, "the same document as b.pdf")]
