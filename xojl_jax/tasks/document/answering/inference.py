"""How the document family answers questions about pages."""

import argparse
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import jax
import numpy as np
from PIL import Image

from xojl_jax.data.images import decode_image
from xojl_jax.data.shards import NoSplit
from xojl_jax.documents.answers import Answer, Question
from xojl_jax.documents.record import read_directory
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.nn.decoding.generate import Generated
from xojl_jax.tasks.base import Inference, Limits, Sample
from xojl_jax.tasks.document.answering import baseline, metrics, shown
from xojl_jax.tasks.document.answering.dataset import FewShotDataset, QuestionDataset
from xojl_jax.tasks.document.answering.decode import decode_batch
from xojl_jax.tasks.document.answering.page_inputs import (
    PageInputs,
    from_record,
    from_values,
    make_page,
    make_question,
    read_file,
)
from xojl_jax.tasks.document.answering.shots import MOST_SHOTS, TrainingQuestions, read_shots
from xojl_jax.tasks.document.answering.spelling import from_tokens
from xojl_jax.tasks.document.dataset import DocumentDataset
from xojl_jax.tasks.document.groups import groups_of
from xojl_jax.tasks.document.record_files import picture_of, read_record

if TYPE_CHECKING:
    from xojl_jax.tasks.document.answering.task import DocumentAnswersTask

EXAMPLES = {
    "predict": """
examples:
  python -m xojl_jax.predict --workdir=runs/answers --page=invoice.pdf --prompt="What is the total?"
  python -m xojl_jax.predict --workdir=runs/answers --page=scan.png --ocr=words.json \\
    --prompt="What is in this box?" --box=0.1,0.5,0.4,0.6
  python -m xojl_jax.predict --workdir=runs/answers --sample=3 --split=test
  python -m xojl_jax.predict --workdir=runs/answers --records=pages --out=answers.jsonl
  python -m xojl_jax.predict --workdir=runs/answers --page=invoice.pdf --prompt="Who pays?" \\
    --examples=examples.jsonl

--page is a PDF, or a PNG, JPEG or WebP picture. --ocr has its words: {"words": […], "boxes":
[[x0, y0, x1, y1], …]}, in pixels or in [0, 1] of the page; without it those of a PDF are read, or
what Tesseract finds where it is installed. --records asks each page of a folder of document records
the questions that it has. --examples has lines {"prompt": "What is the total?", "answer": "7.99"},
which come before the prompt; a run reads them that was trained with config.prompt.shots.
""",
    "evaluate": """
examples:
  python -m xojl_jax.evaluate --workdir=runs/answers --split=test
  python -m xojl_jax.evaluate --workdir=runs/answers --data=shards --limit=200
  python -m xojl_jax.evaluate --workdir=runs/answers --split=test --shots=2
""",
}


class PageAnswer(NamedTuple):
    """What is said of one page.

    Attributes:
      answer: to the question.
      words, boxes: of the page; boxes float[n, 4].
      score: log probability of the answer's tokens among those that were possible.
    """

    answer: Answer
    words: tuple[str, ...]
    boxes: np.ndarray
    score: float


class Reference(NamedTuple):
    """A stored question.

    Attributes:
      question: with its answer.
      words, boxes: of the page; boxes float[n, 4].
      word: int32[T], the number of the word that each of the sample's pieces is of.
      unit: what intervals draw whole, the page's document or site.
      groups: what the page is one of, by kind, and the kind of question.
    """

    question: Question
    words: tuple[str, ...]
    boxes: np.ndarray
    word: np.ndarray
    unit: str
    groups: dict[str, str]


class AnswerInference(Inference):
    """Answers questions about pages."""

    about = "the document task, trained to answer"
    label = "answer"
    picture_needs = "an answer that lies somewhere on the page"
    baseline_name = "nearest, or most frequent"
    interval_unit = "documents, or sites"
    answer_name = "answer"
    page = Path(__file__).with_name("page.html")
    input_names = ("page", "ocr", "prompt", "box", "page_number", "picture")
    binary_names = ("page",)
    text_names = ("prompt",)
    request_examples: ClassVar[Mapping[str, Any]] = {
        "a page with its words": {
            "page": "base64 of a PNG, JPEG, WebP or PDF",
            "ocr": {"words": ["Total:", "12.50"], "boxes": [[40, 40, 90, 52], [96, 40, 130, 52]]},
            "prompt": "What is the total?",
        }
    }
    shown_metrics: ClassVar[Mapping[str, str]] = metrics.SHOWN

    def __init__(self, task: "DocumentAnswersTask", flags: argparse.Namespace | None = None):
        self.task = task
        self.featurizer = task.featurizer
        self.shots: int = getattr(flags, "shots", 0)
        self.shots_seed: int = getattr(flags, "shots_seed", 0)
        if (self.shots or getattr(flags, "examples", None)) and not task.reads_prompts:
            raise BadUsage("this model reads no prompts: examples in them change nothing")

    # --- flags -------------------------------------------------------------------------------

    @classmethod
    def add_arguments(cls, parser: argparse._ActionsContainer, command: str) -> None:
        add = parser.add_argument
        add("--method", default="greedy", choices=("greedy", "beam"), help="of decoding (greedy)")
        add("--beam", type=int, default=4, help="hypotheses of --method=beam (default 4)")
        if command == "predict":
            add("--page", metavar="FILE", help="a picture of a page, or a PDF")
            add("--page-number", type=int, default=1, metavar="N", help="of a PDF, from 1")
            add("--ocr", metavar="FILE", help="JSON of the page's words with their boxes")
            add("--prompt", metavar="TEXT", help="what is asked")
            add("--box", type=_box, metavar="X0,Y0,X1,Y1", help="what the prompt points at; or X,Y")
            add("--document", metavar="FILE", help="a document record instead of --page")
            add("--examples", metavar="FILE", help="JSON lines of examples before the prompt")
        if command == "evaluate":
            what = "examples of the training split before each prompt (default 0)"
            add("--shots", type=int, default=0, metavar="K", help=what)
            add("--shots-seed", type=int, default=0, help="of the choice of examples (default 0)")

    @classmethod
    def check_arguments(cls, flags: argparse.Namespace, command: str) -> None:
        if flags.beam < 1:
            raise BadUsage(f"--beam is {flags.beam}: choose 1 or more")
        if command == "evaluate" and not 0 <= flags.shots <= MOST_SHOTS:
            raise BadUsage(f"--shots is {flags.shots}: choose 0 to {MOST_SHOTS}")
        if command == "evaluate" and flags.shots_seed < 0:
            raise BadUsage(f"--shots-seed is {flags.shots_seed}: choose 0 or more")
        if command != "predict":
            return
        sources = (flags.page, flags.document, flags.sample, flags.records)
        if sum(source is not None for source in sources) != 1:
            raise BadUsage("give one of --page, --document, --sample and --records (see --help)")
        if (flags.page or flags.document) and not flags.prompt:
            raise BadUsage('--prompt is missing: what is asked, such as "What is the total?"')
        if (flags.sample is not None or flags.records) and flags.prompt:
            raise BadUsage("--sample and --records bring their own questions: leave --prompt away")
        if flags.examples and not (flags.page or flags.document):
            raise BadUsage("--examples belongs to one question: give --page or --document with it")
        if flags.page_number < 1:
            raise BadUsage(f"--page-number is {flags.page_number}: pages count from 1")

    @classmethod
    def examples(cls, command: str) -> str:
        return EXAMPLES[command]

    def options(self, flags: argparse.Namespace) -> dict[str, Any]:
        beam = {"beam": flags.beam} if flags.method == "beam" else {}
        return {"method": flags.method} | beam

    # --- inputs ------------------------------------------------------------------------------

    def dataset(self, split: str) -> QuestionDataset:
        if not self.shots:
            return QuestionDataset(self.task.folder, split, self.featurizer)
        return FewShotDataset(
            self.task.folder, split, self.featurizer, self.shots, self._training, self.shots_seed
        )

    @functools.cached_property
    def _training(self) -> TrainingQuestions:
        return TrainingQuestions(DocumentDataset(self.task.folder, "train", self.featurizer.pages))

    @classmethod
    def read_inputs(cls, flags: argparse.Namespace) -> PageInputs:
        question = make_question(flags.prompt, flags.box, "--box" if flags.box else "--prompt")
        shots = read_shots(flags.examples) if flags.examples else ()
        if flags.document:
            path = Path(flags.document)
            record, image = read_record(path)
            return from_record(record, image, question, path.stem, shots)
        ocr = read_file(flags.ocr, "--ocr") if flags.ocr else None
        content = read_file(flags.page, "--page")
        page = make_page(content, ocr, flags.page_number, flags.page, Limits())
        image, words, boxes, notes = page
        return PageInputs(Path(flags.page).stem, image, words, boxes, question, notes, shots=shots)

    def stored_inputs(self, dataset: QuestionDataset, index: int, name: str) -> PageInputs:
        record, question = dataset.source(index)
        page, _ = dataset.question(index)
        image = decode_image(dataset.pages.picture(page))
        return from_record(record, image, question, name, dataset.shots(index))

    def fit_inputs(self, inputs: PageInputs) -> PageInputs:
        prepared = self.featurizer.pages.prepare_words(inputs.words, inputs.boxes)
        return inputs._replace(prepared=prepared)

    def featurize(self, inputs: PageInputs) -> Sample:
        assert inputs.prepared is not None
        picture = self.featurizer.pages.shrink(inputs.image)
        question = dataclasses.replace(inputs.question, answer=None)
        return self.featurizer.finish(
            inputs.prepared, picture, inputs.words, inputs.boxes, question, shots=inputs.shots
        )

    @classmethod
    def make_inputs(cls, values: Mapping[str, Any], name: str, limits: Limits) -> PageInputs:
        return from_values(values, name, limits)

    @classmethod
    def count_records(cls, folder: Path) -> int:
        return sum(_questions_of(record) for _, record in read_directory(folder))

    @classmethod
    def read_records(cls, folder: Path) -> Iterator[tuple[str, Callable[[], PageInputs]]]:
        for where, record in read_directory(folder):
            for number in range(_questions_of(record)):

                def read(record: Any = record, number: int = number) -> PageInputs:
                    if isinstance(record, BadInput):
                        raise record
                    if not record.questions:
                        raise BadInput(f"{record.id} has no questions")
                    question = record.questions[number]
                    return from_record(record, picture_of(folder, record), question, record.id)

                yield f"{where} question {number}", read

    # --- answers -----------------------------------------------------------------------------

    def predict(self, params, batch, *, rng: jax.Array | None = None, **options) -> Generated:
        return decode_batch(
            self.task.model(),
            self.task.vocabulary,
            self.task.adapted(params),
            batch,
            rng=rng,
            **options,
        )

    def decode(
        self,
        prediction: Generated,
        sources: Sequence[PageInputs | Reference],
        options: Mapping[str, Any],
    ) -> list[PageAnswer]:
        return [
            PageAnswer(
                from_tokens(
                    np.asarray(prediction.tokens[i]).tolist(),
                    source.word,
                    source.boxes,
                    self.task.vocabulary,
                ),
                source.words,
                source.boxes,
                float(prediction.score[i]),
            )
            for i, source in enumerate(sources)
        ]

    def to_json(self, answer: PageAnswer) -> str:
        return shown.to_json(answer.answer, answer.words, answer.boxes)

    def to_values(self, inputs: PageInputs, answer: PageAnswer) -> dict[str, Any]:
        return {
            **super().to_values(inputs, answer),
            "log_probability": round(answer.score, 4),
            "words": len(inputs.words),
            "size": list(inputs.image.shape[1::-1]),
            **({"picture": shown.data_url(inputs.image)} if inputs.wants_picture else {}),
            "notes": list(inputs.notes),
        }

    def summarize(self, inputs: PageInputs, answer: PageAnswer) -> list[str]:
        pieces = len(inputs.word)
        lines = [*inputs.notes, f"asked: {inputs.question.prompt}"]
        if pieces > self.task.spec.max_tokens:
            lines.append(
                f"warning: the page has {pieces} pieces of words, more than the model's "
                f"{self.task.spec.max_tokens}; the last ones are not read"
            )
        _, kept = self.featurizer.prompt_ids(inputs.question.prompt, inputs.shots)
        if kept < len(inputs.shots):
            lines.append(
                f"warning: {len(inputs.shots) - kept} of {len(inputs.shots)} examples left out: a "
                f"prompt has at most {self.featurizer.spec.max_prompt} tokens"
            )
        told = f"{len(inputs.words)} words; log probability of the answer {answer.score:.2f}"
        return [*lines, told]

    def draw(self, inputs: PageInputs, answer: PageAnswer) -> Image.Image | None:
        return shown.draw(inputs.image, answer.answer, answer.boxes, answer.words)

    # --- export ------------------------------------------------------------------------------

    def programs(self) -> dict[str, dict[str, Any]]:
        return {"default": {"method": "greedy"}}

    def to_named(self, prediction: Generated) -> dict[str, jax.Array]:
        named = prediction._asdict()
        return {name: array for name, array in named.items() if array is not None}

    def from_named(self, arrays: Mapping[str, Any]) -> Generated:
        return Generated(**arrays)

    # --- scores ------------------------------------------------------------------------------

    def references(self, dataset: QuestionDataset, limit: int | None) -> list[Reference]:
        count = min(limit or len(dataset), len(dataset))
        return [self._reference(dataset, i) for i in range(count)]

    def _reference(self, dataset: QuestionDataset, index: int) -> Reference:
        record, question = dataset.source(index)
        page, _ = dataset.question(index)
        word = dataset.pages.page(page)[0].word
        groups = groups_of(record) | {"kind": question.kind}
        return Reference(question, record.words, record.boxes, word, record.split_group(), groups)

    def _fits(self, reference: Reference) -> bool:
        """Whether the answer has few enough tokens for the model."""
        seen = reference.word[: self.task.spec.max_tokens]
        answer = reference.question.answer
        tokens = self.featurizer.tokens(answer, seen, reference.words, reference.boxes)
        return tokens is not None

    def groups(self, references: Sequence[Reference]) -> list[dict[str, str]]:
        """With the kind "prompt": whether training has the very prompt."""
        try:
            seen = [self._training.has_prompt(r.question.prompt) for r in references]
        except NoSplit:  # shards to evaluate on alone
            return [reference.groups for reference in references]
        names = ("not in the training split", "in the training split")
        return [r.groups | {"prompt": names[s]} for r, s in zip(references, seen, strict=True)]

    def units(self, references: Sequence[Reference]) -> list[str]:
        return [reference.unit for reference in references]

    def is_labeled(self, reference: Reference) -> bool:
        return reference.question.answer is not None

    def score(
        self, answers: Sequence[PageAnswer], references: Sequence[Reference]
    ) -> dict[str, dict]:
        told = [answer.answer for answer in answers]
        too_long = sum(not self._fits(reference) for reference in references)
        return {"model": _report(told, references) | {"answers_too_long_for_the_model": too_long}}

    def baseline(self, references: Sequence[Reference], answers: Sequence[PageAnswer]) -> dict:
        train = self.dataset("train")
        facts = baseline.fit(_examples(train))
        told = [baseline.guess(facts, r.question, r.words, r.boxes) for r in references]
        return _report(told, references)

    def fit_baseline(self, dataset: QuestionDataset, numbers: Sequence[int]) -> dict[str, Any]:
        return baseline.fit(_example(dataset, i) for i in numbers)

    def guess(
        self, baseline_facts: Mapping[str, Any], inputs: PageInputs, options: Mapping[str, Any]
    ) -> PageAnswer:
        told = baseline.guess(baseline_facts, inputs.question, inputs.words, inputs.boxes)
        return PageAnswer(told, inputs.words, inputs.boxes, 0.0)

    def describe(self, dataset: QuestionDataset, flags: argparse.Namespace) -> dict[str, Any]:
        return {
            "data": str(self.task.folder),
            "split": flags.split,
            "records_in_split": len(dataset),
            "records_too_large": 0,
            "method": flags.method if flags.method == "greedy" else f"beam {flags.beam}",
            **self._told_of_shots(dataset, min(flags.limit or len(dataset), len(dataset))),
        }

    def _told_of_shots(self, dataset: QuestionDataset, questions: int) -> dict[str, Any]:
        """Of the examples that the prompts of the first questions should have, for the report."""
        if not isinstance(dataset, FewShotDataset):
            return {"shots": 0}
        trained, wanted = self.task.config.prompt.shots, dataset.count * questions
        dropped, missing = dataset.count_left_out(questions)
        remarks = []
        if trained < dataset.count:
            remarks.append(f"prompts of training had at most {trained} examples")
        if dropped or missing:
            remarks.append(
                f"of {wanted} examples {dropped} were dropped, as a prompt has at most "
                f"{self.featurizer.spec.max_prompt} tokens, and {missing} are not in training"
            )
        return {
            "shots": dataset.count,
            "shots_in_training": trained,
            "dropped_shots": dropped,
            "missing_shots": missing,
            "remarks": remarks,
        }


def _examples(dataset: QuestionDataset) -> Iterator[tuple[Question, tuple[str, ...], np.ndarray]]:
    return (_example(dataset, i) for i in range(len(dataset)))


def _example(dataset: QuestionDataset, index: int) -> tuple[Question, tuple[str, ...], np.ndarray]:
    record, question = dataset.source(index)
    return question, record.words, record.boxes


def _report(told: Sequence[Answer], references: Sequence[Reference]) -> dict[str, Any]:
    results = [
        metrics.Result(r.question, answer, r.words, r.boxes, r.unit)
        for answer, r in zip(told, references, strict=True)
    ]
    return {"records": len(results), "scores": metrics.evaluate(results).scores}


def _questions_of(record: Any) -> int:
    """How many answers a record asks for; one is a message, where there is no question."""
    return 1 if isinstance(record, BadInput) else max(1, len(record.questions))


def _box(text: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no X0,Y0,X1,Y1 or X,Y in [0, 1]") from None
