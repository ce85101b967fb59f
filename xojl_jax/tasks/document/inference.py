"""How the document task answers before it is fine-tuned: it tells what is hidden of a page."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import jax
import numpy as np
from PIL import Image

from xojl_jax.data.images import decode_image
from xojl_jax.documents.record import DocumentRecord, read_directory
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.base import Inference, Sample
from xojl_jax.tasks.document.answer import DocumentAnswer, draw_words, hidden_words
from xojl_jax.tasks.document.dataset import DocumentDataset
from xojl_jax.tasks.document.features import Featurizer
from xojl_jax.tasks.document.groups import groups_of
from xojl_jax.tasks.document.metrics import (
    Told,
    Vectors,
    add_chance,
    add_retrieval,
    constant_guess,
    evaluate,
)
from xojl_jax.tasks.document.objectives import inputs_of, objectives_of
from xojl_jax.tasks.document.record_files import picture_of, read_record

if TYPE_CHECKING:
    from xojl_jax.tasks.document.task import DocumentTask

EXAMPLES = {
    "predict": """
examples:
  python -m xojl_jax.predict --workdir=runs/documents --sample=0
  python -m xojl_jax.predict --workdir=runs/documents --document=pages/records.jsonl --mask-seed=3

--document is a document record (docs/document_record.md), the first line of its file; its picture
lies beside it. Some words and patches are hidden, and the answer says what they are.
""",
    "evaluate": """
examples:
  python -m xojl_jax.evaluate --workdir=runs/documents --split=test
""",
}
# Which words and patches of a page are hidden where nobody says which.
_MASK_SEED = 0


class Inputs(NamedTuple):
    """One page. `sample` has its arrays where they are known, of a data set's record."""

    name: str
    record: DocumentRecord
    image: np.ndarray
    mask_seed: int = _MASK_SEED
    sample: Sample | None = None


class Reference(NamedTuple):
    """A stored page.

    Attributes:
      sample: its arrays without the picture.
      boxes: float32[words, 4], its record's.
      unit: what intervals draw whole, its document or site.
      groups: what it is one of, by kind.
    """

    sample: Sample
    boxes: np.ndarray
    unit: str
    groups: dict[str, str]


class DocumentInference(Inference):
    """Tells hidden words, hidden patches and words whose patches are hidden."""

    about = "the document task, pre-trained"
    label = "words"
    picture_needs = "the objective 'mlm', and words"
    baseline_name = "most frequent, or chance"
    interval_unit = "documents, or sites"
    answer_name = "document"
    shown_metrics: ClassVar[Mapping[str, str]] = {
        "mlm_accuracy": "hidden pieces of words that are right",
        "mlm_perplexity": "… their perplexity (lower is better)",
        "mim_accuracy": "hidden patches whose code is right",
        "mim_perplexity": "… their perplexity (lower is better)",
        "wpa_accuracy": "words rightly told whether their patches are hidden",
        "recall@1/to_picture": "texts that find their picture first",
        "recall@1/to_text": "pictures that find their text first",
        "mrr/to_picture": "… mean reciprocal rank, text to picture",
        "mrr/to_text": "… mean reciprocal rank, picture to text",
        "ndcg/to_picture": "… nDCG, text to picture (pages of one document count a third)",
        "ndcg/to_text": "… nDCG, picture to text",
        "pairs_cosine": "… cosine of partners",
        "pairs_alignment": "… squared distance of partners (lower is better)",
        "text_uniformity": "… uniformity of texts (lower is better)",
        "picture_uniformity": "… uniformity of pictures (lower is better)",
    }

    def __init__(self, task: "DocumentTask"):
        self.task = task
        self.featurizer = Featurizer(task.spec, task.pieces, task.hiding)

    # --- flags -------------------------------------------------------------------------------

    @classmethod
    def add_arguments(cls, parser: argparse._ActionsContainer, command: str) -> None:
        if command == "predict":
            what = "JSON of a document record, its picture beside it"
            parser.add_argument("--document", metavar="FILE", help=what)
            parser.add_argument(
                "--mask-seed", type=int, default=_MASK_SEED, help="which words are hidden"
            )

    @classmethod
    def check_arguments(cls, flags: argparse.Namespace, command: str) -> None:
        if command != "predict":
            return
        sources = (flags.document, flags.sample, flags.records)
        if sum(source is not None for source in sources) != 1:
            raise BadUsage("give one of --document, --sample and --records (see --help)")
        if flags.mask_seed < 0:
            raise BadUsage(f"--mask-seed is {flags.mask_seed}: choose 0 or more")

    @classmethod
    def examples(cls, command: str) -> str:
        return EXAMPLES[command]

    def options(self, flags: argparse.Namespace) -> dict[str, Any]:
        return {}

    # --- inputs ------------------------------------------------------------------------------

    def dataset(self, split: str) -> DocumentDataset:
        return self.task.dataset(split)

    @classmethod
    def read_inputs(cls, flags: argparse.Namespace) -> Inputs:
        record, image = read_record(Path(flags.document))
        name = record.id.replace("/", "-").replace(":", "-")
        return Inputs(name, record, image, flags.mask_seed)

    def stored_inputs(self, dataset: DocumentDataset, index: int, name: str) -> Inputs:
        image = decode_image(dataset.picture(index))
        return Inputs(name, dataset.record(index), image, sample=dataset[index])

    def featurize(self, inputs: Inputs) -> Sample:
        if inputs.sample is not None:
            return inputs.sample
        prepared = self.featurizer.prepare(inputs.record)
        rng = np.random.default_rng(inputs.mask_seed)
        return self.featurizer.finish(prepared, self.featurizer.shrink(inputs.image), rng)

    @classmethod
    def count_records(cls, folder: Path) -> int:
        return sum(1 for _ in read_directory(folder))

    @classmethod
    def read_records(cls, folder: Path) -> Iterator[tuple[str, Callable[[], Inputs]]]:
        for where, record in read_directory(folder):

            def read(where: str = where, record: Any = record) -> Inputs:
                if isinstance(record, BadInput):
                    raise record
                return Inputs(record.id, record, picture_of(folder, record))

            yield where, read

    # --- vectors ---------------------------------------------------------------------------

    def vectors(self, params, batch) -> dict[str, jax.Array]:
        """ "picture": the mean of the vision encoder's patches. "page", where words are read: the
        means of words and patches behind the multiway encoder. Nothing is hidden."""
        found: Any = self.task.model().apply({"params": params}, batch, method="vectors")
        return found

    # --- answers -----------------------------------------------------------------------------

    def predict(self, params, batch, *, rng: jax.Array | None = None, **options) -> dict:
        """Named arrays: log_prob/NAME and guess/NAME of every objective that asks what is hidden,
        text/pairs and picture/pairs, and codes."""
        found: Any = self.task.model().apply({"params": params}, batch, method="predict")
        told, features = found
        entries = objectives_of(self.task.model_config)
        arrays = {
            f"{what}/{name}": array
            for name, prediction in told.items()
            for what, array in entries[name].answer(prediction, batch).items()
        }
        if features.codes is not None:
            arrays["codes"] = features.codes
        return arrays

    def decode(
        self, prediction: dict, sources: Sequence[Inputs | Reference], options: Mapping[str, Any]
    ) -> list[DocumentAnswer]:
        rows = [
            {name: np.asarray(array[i]) for name, array in prediction.items()}
            for i in range(len(sources))
        ]
        return [self._answer(row, source) for row, source in zip(rows, sources, strict=True)]

    def _answer(self, row: dict[str, np.ndarray], source: Inputs | Reference) -> DocumentAnswer:
        if isinstance(source, Reference):
            sample, boxes = source.sample, source.boxes
        else:
            sample, boxes = self.featurize(source), source.record.boxes
        truths = {"mlm": sample["tokens"], "mim": row.get("codes"), "wpa": sample["aligned"]}
        asked = {
            "mlm": sample["hidden_tokens"],
            "mim": sample["hidden_patches"],
            "wpa": sample["aligned_mask"],
        }
        told = {
            name: Told(
                (row[f"guess/{name}"] == truths[name])[asked[name]],
                row[f"log_prob/{name}"][asked[name]],
            )
            for name in asked
            if f"guess/{name}" in row
        }
        words = ()
        if "mlm" in told:
            words = hidden_words(sample, row["guess/mlm"], boxes, self.task.pieces)
        codes = row["codes"][asked["mim"]] if "codes" in row else np.zeros(0, np.int32)
        vectors = None
        if "text/pairs" in row:
            vectors = Vectors(row["text/pairs"], row["picture/pairs"])
        return DocumentAnswer(told, words, codes, vectors)

    def to_json(self, answer: DocumentAnswer) -> str:
        return answer.to_json()

    def summarize(self, inputs: Inputs, answer: DocumentAnswer) -> list[str]:
        names = {"mlm": "hidden pieces", "mim": "hidden patches", "wpa": "words seen"}
        return [
            f"{names[name]}: {told.right.sum()} of {len(told.right)} right"
            for name, told in answer.told.items()
        ]

    def draw(self, inputs: Inputs, answer: DocumentAnswer) -> Image.Image | None:
        return draw_words(inputs.image, answer.words) if answer.words else None

    # --- export ------------------------------------------------------------------------------

    def to_named(self, prediction: dict) -> dict[str, jax.Array]:
        return prediction

    def from_named(self, arrays: Mapping[str, Any]) -> dict:
        return dict(arrays)

    # --- scores ------------------------------------------------------------------------------

    def references(self, dataset: DocumentDataset, limit: int | None) -> list[Reference]:
        count = min(limit or len(dataset), len(dataset))
        return [self._reference(dataset, i) for i in range(count)]

    def _reference(self, dataset: DocumentDataset, index: int) -> Reference:
        record = dataset.record(index)
        arrays = {name: array for name, array in dataset[index].items() if name != "image"}
        return Reference(arrays, record.boxes, record.split_group(), groups_of(record))

    def groups(self, references: Sequence[Reference]) -> list[dict[str, str]]:
        return [reference.groups for reference in references]

    def units(self, references: Sequence[Reference]) -> list[str]:
        return [reference.unit for reference in references]

    def is_labeled(self, reference: Reference) -> bool:
        reads = {"mlm", "pairs"} & set(self.task.objectives)
        return not reads or bool(reference.sample["tokens_mask"].any())

    def score(
        self, answers: Sequence[DocumentAnswer], references: Sequence[Reference]
    ) -> dict[str, dict]:
        units = self.units(references)
        table = evaluate([answer.told for answer in answers], units)
        vectors = [answer.vectors for answer in answers if answer.vectors is not None]
        if vectors:
            add_retrieval(table, vectors, units)
        return {"model": {"records": len(answers), "scores": table.scores}}

    def baseline(self, references: Sequence[Reference], answers: Sequence[DocumentAnswer]) -> dict:
        """The most frequent piece and the commoner alignment of the training split. The most
        frequent code is that of the pages evaluated: a guess that knows them."""
        train, told = self.dataset("train"), {}
        pieces, aligned = np.zeros(self.task.pieces.size), np.zeros(2)
        for i in range(len(train)):
            sample = train[i]
            np.add.at(pieces, sample["tokens"][sample["tokens_mask"]], 1)
            np.add.at(aligned, sample["aligned"][sample["aligned_mask"]].astype(int), 1)
        samples = [reference.sample for reference in references]
        if "mlm" in self.task.objectives:
            told["mlm"] = constant_guess(pieces, [s["tokens"][s["hidden_tokens"]] for s in samples])
        if "wpa" in self.task.objectives:
            truths = [s["aligned"][s["aligned_mask"]].astype(int) for s in samples]
            told["wpa"] = constant_guess(aligned, truths)
        if "codes" in inputs_of(self.task.model_config):
            codes = np.zeros(self.task.config.tokenizer.codes)
            for answer in answers:
                np.add.at(codes, answer.codes, 1)
            told["mim"] = constant_guess(codes, [answer.codes for answer in answers])
        pages = [{name: told[name][i] for name in told} for i in range(len(references))]
        units = self.units(references)
        table = evaluate(pages, units)
        if "pairs" in self.task.objectives:
            add_chance(table, units)
        return {"records": len(references), "scores": table.scores}

    def describe(self, dataset: DocumentDataset, flags: argparse.Namespace) -> dict[str, Any]:
        return {
            "data": str(self.task.folder),
            "split": flags.split,
            "records_in_split": len(dataset),
            "records_too_large": 0,
            "method": json.dumps(self.task.hiding._asdict()),
        }
