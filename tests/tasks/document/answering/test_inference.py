"""Inputs and references of questions about pages: the same words, in the same pieces."""

import numpy as np

from xojl_jax.tasks.document.answering.inference import PageAnswer


def test_a_stored_page_is_read_as_in_training(task):
    """Protects answers from another reading of the page than that of the loss; and decoding: the
    pieces of inputs are those of the sample and of the reference."""
    inference, dataset = task.inference(), task.dataset("val")
    index = next(i for i in range(len(dataset)) if dataset[i]["target"].any())
    inputs = inference.fit_inputs(inference.stored_inputs(dataset, index, "page"))
    sample, stored = inference.featurize(inputs), dataset[index]
    assert sample.keys() == stored.keys()
    for name in sample.keys() - {"target", "before", "index"}:
        np.testing.assert_array_equal(sample[name], stored[name], err_msg=name)
    assert not sample["target"].any()  # the answer is not looked at
    reference = inference.references(dataset, index + 1)[index]
    np.testing.assert_array_equal(inputs.word, reference.word)


def test_answers_that_cannot_be_given_are_counted(task):
    """Protects the report from silence: the references whose answers have more tokens than the
    model's, which training leaves out."""
    inference, dataset = task.inference(), task.dataset("val")
    references = inference.references(dataset, 24)
    answers = [PageAnswer(r.question.answer, r.words, r.boxes, 0.0) for r in references]
    without = [not dataset[i]["target"].any() for i in range(24)]
    report = inference.score(answers, references)["model"]
    assert report["answers_too_long_for_the_model"] == sum(without) > 0
