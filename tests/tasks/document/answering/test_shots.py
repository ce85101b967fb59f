"""Examples in prompts (R038): what they say, where they come from, and what there is room for."""

import argparse
import types

import numpy as np
import pytest

from tests.tasks.document.answering.conftest import small_config
from xojl_jax.documents.answers import (
    Cell,
    Field,
    FieldsAnswer,
    Question,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    WordsAnswer,
)
from xojl_jax.documents.json_fields import Region
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.document.answering.dataset import FewShotDataset
from xojl_jax.tasks.document.answering.inference import AnswerInference
from xojl_jax.tasks.document.answering.shots import (
    Shot,
    TrainingQuestions,
    answer_text,
    read_shots,
    spell,
)
from xojl_jax.tasks.document.answering.task import DocumentAnswersTask

PAGE = ("Total:", "12.50", "May", "2")
BOX = (0.1, 0.1, 0.2, 0.2)


def few_shot_task(**changes):
    return DocumentAnswersTask(
        small_config(**{"prompt.shots": 2, "prompt.max_tokens": 40}, **changes)
    )


@pytest.fixture(scope="module")
def training():
    return few_shot_task().dataset("train")


def record(document, *questions):
    """What is read of a record."""
    return types.SimpleNamespace(questions=questions, words=PAGE, split_group=lambda: document)


class Pages(list):
    """Records, as a data set of pages gives them."""

    def record(self, index):
        if self[index] is None:
            raise BadInput("not to be read")
        return self[index]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (TextAnswer((1, "in", 2)), "12.50 in May"),
        (TextAnswer(()), "none"),
        (WordsAnswer((0, ("x", BOX))), "Total: x"),
        (FieldsAnswer((Field(("date",), (2, 3)), Field(("tax",), ()))), "date: May 2; tax: none"),
        (RegionsAnswer((Region("title", BOX), Region("text", BOX))), "title, text"),
        (TableAnswer(((Cell((0,)), Cell((1,))), (Cell(()), Cell((2, 3))))),
         "Total: | 12.50; none | May 2"),
    ],
)  # fmt: skip
def test_every_form_has_a_text(answer, text):
    assert answer_text(answer, PAGE) == text


def test_examples_stand_before_the_prompt():
    """Protects runs without examples, whose prompts are what they were."""
    assert spell((), "Who pays?") == "Who pays?"
    shots = (Shot("When?", "May 2"), Shot("How much?", "12.50"))
    assert spell(shots, "Who?") == "Q: When? A: May 2 Q: How much? A: 12.50 Q: Who?"


def test_the_last_examples_are_dropped_whole(training):
    """Protects what is asked: it is never cut for an example, and no example is cut."""
    featurizer = training.featurizer
    shots = [Shot(f"{name} ?", "May 2") for name in "abcdefghijkl"]
    ids, kept = featurizer.prompt_ids("Who ?", shots)
    assert 0 < kept < len(shots)
    assert (ids, kept) == featurizer.prompt_ids("Who ?", shots[:kept])
    longer = spell(shots[: kept + 1], "Who ?")
    encode = training.featurizer.vocabulary.pieces.encode
    assert sum(len(encode(word)) for word in longer.split()) > featurizer.spec.max_prompt
    long = "who " * 99
    alone = featurizer.prompt_ids(long)
    assert featurizer.prompt_ids(long, shots) == alone
    assert len(alone[0]) == featurizer.spec.max_prompt and alone[1] == 0


def test_examples_are_of_the_kind_and_of_other_documents(training):
    """Protects evaluations from answers that leak: of every question of two splits."""
    for dataset in (
        training,
        few_shot_task().inference(argparse.Namespace(shots=3)).dataset("test"),
    ):
        records = [training.pages.record(i) for i in range(len(training.pages))]
        for index in range(0, len(dataset), 7):
            asked, question = dataset.source(index)
            others = {
                (q.prompt, answer_text(q.answer, other.words))
                for other in records
                if other.split_group() != asked.split_group()
                for q in other.questions
                if q.kind == question.kind and q.answer is not None
            }
            shots = dataset.shots(index)
            assert len(shots) == dataset.count and set(shots) <= others


def test_a_seed_chooses_the_examples():
    """Protects comparisons of 1 with 2 examples: these are the same and one more; what cannot be
    read, or is of the asked document, is not drawn; what training lacks is not made up."""
    questions = [Question("question", f"{n}?", TextAnswer((1,))) for n in range(9)]
    unanswered = Question("question", "9?")
    pages = Pages([*(record(f"d{n}", q) for n, q in enumerate(questions)), None])
    pages.append(record("d9", unanswered, Question("table", "9?", TableAnswer(()))))
    training = TrainingQuestions(pages)

    def draw(count, seed=0, unit="d0", kind="question"):
        return training.draw(kind, unit, count, np.random.default_rng(seed))

    assert draw(1) == draw(2)[:1] == draw(5)[:1]
    assert draw(5) != draw(5, seed=1)
    assert {shot.prompt for shot in draw(20)} == {f"{n}?" for n in range(1, 9)}
    assert draw(20, kind="table") == (Shot("9?", "none"),)
    assert draw(3, kind="layout") == draw(3, kind="table", unit="d9") == ()
    assert training.has_prompt(" 9?") and not training.has_prompt("10?")


def test_training_draws_from_none_to_the_most(training):
    """Protects a model that shall answer with and without examples, and the order of samples: all
    but the prompt stays, and what is drawn depends on the given generator alone."""
    sample = training[3]
    drawn = [training.augment(sample, np.random.default_rng(seed)) for seed in range(20)]
    counts = {int(one["shots"] + one["dropped_shots"]) for one in drawn}
    assert counts == {0, 1, 2}
    again = training.augment(sample, np.random.default_rng(0))
    prompt = {"prompt", "prompt_mask", "shots", "dropped_shots"}
    for name, array in sample.items():
        assert (drawn[0][name] == again[name]).all(), name
        assert name in prompt or all((one[name] == array).all() for one in drawn), name
    assert len({one["prompt"].tobytes() for one in drawn}) > 3


def test_without_examples_nothing_is_added(task, training):
    """Protects runs without: no array, no reading of the training split."""
    assert not isinstance(task.dataset("train"), FewShotDataset)
    assert set(training[0]) - set(task.dataset("val")[0]) == {"shots", "dropped_shots"}
    assert task.batch_spec().keys() == task.dataset("val")[0].keys()
    few = few_shot_task()
    assert few.batch_spec().keys() == training[0].keys() == few.dataset("val")[0].keys()


def test_an_evaluation_tells_what_it_left_out(task):
    """Protects a score with few examples from looking like one with many."""
    flags = argparse.Namespace(shots=3, split="test", limit=5, method="greedy")
    inference = task.inference(flags)
    told = inference.describe(inference.dataset("test"), flags)
    assert (told["shots"], told["shots_in_training"], told["missing_shots"]) == (3, 0, 0)
    assert 0 < told["dropped_shots"] <= 15
    assert "at most 0 examples" in told["remarks"][0]
    assert f"{told['dropped_shots']} were dropped" in told["remarks"][1]
    flags.shots = 0
    inference = task.inference(flags)
    told = inference.describe(inference.dataset("test"), flags)
    assert told["shots"] == 0 and "remarks" not in told


def test_prompts_that_training_has_are_a_group(task):
    """Protects zero-shot figures by instruction: the two groups part the questions, and what
    training asks is seen."""
    inference = task.inference()
    dataset = inference.dataset("test")
    told = [groups["prompt"] for groups in inference.groups(inference.references(dataset, 60))]
    train = inference.dataset("train")
    prompts = {train.source(i)[1].prompt.casefold() for i in range(len(train))}
    for index, group in enumerate(told):
        seen = dataset.source(index)[1].prompt.casefold() in prompts
        assert group == ("in the training split" if seen else "not in the training split")
    assert len(set(told)) == 2


def test_a_file_of_examples(tmp_path):
    """Protects `predict --examples` from a traceback: a bad line is named."""
    path = tmp_path / "examples.jsonl"
    path.write_text('{"prompt": "When?", "answer": "May 2"}\n\n{"prompt": "Who?", "answer": ""}\n')
    assert read_shots(str(path)) == (Shot("When?", "May 2"), Shot("Who?", ""))
    for line in ("[1]", "{", '{"prompt": "Who?"}', '{"prompt": 1, "answer": "x"}'):
        path.write_text(line)
        with pytest.raises(BadInput, match=r"examples.jsonl:1: an example is"):
            read_shots(str(path))
    with pytest.raises(BadUsage, match="No such file"):
        read_shots(str(tmp_path / "none"))


def test_flags_are_checked():
    """Protects people from examples that nothing reads."""
    for flags, words in (
        ({"shots": -1, "shots_seed": 0}, "--shots is -1"),
        ({"shots": 1, "shots_seed": -1}, "--shots-seed is -1"),
    ):
        with pytest.raises(BadUsage, match=words):
            AnswerInference.check_arguments(argparse.Namespace(beam=1, **flags), "evaluate")
    blind = {"prompt.encoder": "none"}
    with pytest.raises(BadUsage, match="reads no prompts"):
        few_shot_task(**blind)
    with pytest.raises(BadUsage, match="reads no prompts"):
        DocumentAnswersTask(small_config(**blind)).inference(argparse.Namespace(shots=1))
