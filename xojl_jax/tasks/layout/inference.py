"""How the layout task answers: a screenshot and an HTML tree to XOJL, scores, pictures."""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from PIL import Image

from xojl_jax.config_fields import SomeOf
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadUsage
from xojl_jax.evaluation.drawing import draw_boxes, enlarged
from xojl_jax.tasks.base import Inference, Limits, PseudoLabel, Sample
from xojl_jax.tasks.layout import (
    attention_overlap,
    kept_records,
    metrics,
    page_sections,
    suite,
    tag_answer,
)
from xojl_jax.tasks.layout.answer import (
    DecodedLayout,
    agreement,
    boxes_to_draw,
    describe_layout,
    node_key,
    read_answers,
)
from xojl_jax.tasks.layout.baseline import TagBaseline
from xojl_jax.tasks.layout.confidence import (
    calibrator,
    error_on_new_sites,
    fit,
    pairs,
    site_of,
    view_report,
)
from xojl_jax.tasks.layout.dataset import LayoutDataset
from xojl_jax.tasks.layout.decode import decode_batch
from xojl_jax.tasks.layout.features import Featurizer
from xojl_jax.tasks.layout.input_features import input_features
from xojl_jax.tasks.layout.inputs import (
    Inputs,
    count_records,
    fit_to_model,
    make_inputs,
    read_inputs,
    read_records,
)
from xojl_jax.tasks.layout.node_answer import (
    label_probabilities,
    predict_nodes,
    read_node_answers,
)
from xojl_jax.tasks.layout.pseudo_labels import pseudo_label
from xojl_jax.tasks.layout.sample_spec import FeatureSpec
from xojl_jax.tasks.layout.views import NodePrediction, Prediction
from xojl_jax.xojl import jsontext
from xojl_jax.xojl.record import CATEGORIES, Record, category_index
from xojl_jax.xojl.tree import ELEMENTS, preorder, print_layout

if TYPE_CHECKING:
    from xojl_jax.tasks.layout.task import LayoutTask

LEAST_SITES = 10  # that intervals are drawn from
MODES = ("detail", "semantic", "dual")  # the keys of VIEWS, the usual one first
METHOD_HELP = (
    "greedy (default) and beam write token by token; nodes labels the HTML nodes in one pass, the "
    "fastest way, which needs HTML"
)
EXAMPLES = {
    "predict": """
examples:
  python -m xojl_jax.predict --workdir=runs/demo --screenshot=hero.png --html=hero.json
  python -m xojl_jax.predict --workdir=runs/demo --html=hero.json --mode=semantic
  python -m xojl_jax.predict --workdir=runs/demo --sample=3 --split=test
  python -m xojl_jax.predict --workdir=runs/demo --records=captured --out=layouts.jsonl
  python -m xojl_jax.predict --workdir=runs/demo --page=index.html

--html takes a compact tree such as {"section": {"h1@fs_3r": ""}}, or a whole record, whose boxes
are then used, too. Without --html nothing can be copied, and the layout is spelled out.
""",
    "evaluate": """
examples:
  python -m xojl_jax.evaluate --workdir=runs/stage4-tiny
  python -m xojl_jax.evaluate --workdir=runs/stage4-tiny --split=test --out=report.json
  python -m xojl_jax.evaluate --workdir=runs/stage4-tiny --data=SHARDS --method=beam
  python -m xojl_jax.evaluate --workdir=runs/stage2-tiny --method=nodes
  python -m xojl_jax.evaluate --workdir=runs/stage4-tiny --split=test --suite
""",
}


_TREE = {"section@d_flex": {"h1@fs_3r": {"text": "xv1"}, "p": {"text": "xv2"}}}
REQUESTS = {
    "a tree": {"html": _TREE},
    "a tree with boxes, in both views": {
        "html": _TREE,
        "html_boxes": [[0, 0, 800, 300, 0], [40, 40, 400, 60, 1], [40, 120, 400, 80, 1]],
        "mode": "dual",
    },
    "many sections": {"sections": [{"html": _TREE}, {"html": {"footer": {"p": {"text": "xv1"}}}}]},
}


class LayoutAnswer(NamedTuple):
    """What is said of one section.

    Attributes:
      views: by view, "semantic" and "detail"; one of them or both.
      category: one of `CATEGORIES`.
      weights: how much HTML and screenshot counted (together as many as are there); None where the
        model does not weight them.
      overlap: how far attention overlaps with boxes, by name; None unless it was asked for.
      node_probabilities: float32[nodes, elements + 1], as `NodePrediction.labels`, but no
        logarithms; None unless they were asked for.
    """

    views: dict[str, DecodedLayout]
    category: str
    weights: tuple[float, float] | None = None
    overlap: Mapping[str, float] | None = None
    node_probabilities: np.ndarray | None = None


class LayoutInference(Inference):
    """Predicts layouts with a trained stage 4; with a stage 2 or 3 by the labels of HTML nodes.

    Args:
      task: whose config, vocabulary and model are used.
      image_size: (width, height) of the canvas for screenshots instead of that of the training
        (X025). The parameters serve every resolution: positions are interpolated.
      raw: gives probabilities as decoding saw them, for `calibrate`.
    """

    about = "the layout task, trained to stage 4"
    label = "section_layout"
    picture_needs = "the detail view, a screenshot, and a record with html_boxes"
    interval_unit = f"sites (of fewer than {LEAST_SITES}: over records)"
    baseline_name = "tags only"
    input_names = ("screenshot", "html", "html_boxes")
    binary_names = ("screenshot",)
    answer_name = "layout"
    request_examples = REQUESTS
    page = Path(__file__).with_name("page.html")
    label_flags = ("--mode=detail", "--confidence")
    shown_metrics: Mapping[str, str] = {
        "element_micro_f1": "F1 of the elements of a section, as a bag",
        "element_macro_f1": "… averaged over the kinds of element",
        "aligned_micro_f1": "F1 of elements on the right HTML node",
        "tree_distance": "tree edit distance / size of the larger tree (lower is better)",
        "bleu": "BLEU of the layout tags",
        "exact_match_semantic": "layouts with every element right",
        "category": "sections of the right category",
        "valid": "answers that parse",
        "completed": "answers that end within their length",
        **attention_overlap.SHOWN,
    }

    def __init__(
        self, task: "LayoutTask", *, image_size: tuple[int, int] | None = None, raw: bool = False
    ):
        self.raw = raw
        self.on_trained_canvas = image_size is None
        if image_size is not None:
            width, height = image_size
            task = task.on_canvas(height, width)
        self.task = task
        self.spec: FeatureSpec = task.spec

    # --- flags -------------------------------------------------------------------------------

    @classmethod
    def add_arguments(cls, parser: argparse._ActionsContainer, command: str) -> None:
        add = parser.add_argument
        predicts = command == "predict"
        if predicts:
            add("--screenshot", help="PNG, JPEG or WebP of the section")
            add("--html", help="JSON of the section's compact tree, or of its record")
            add("--page", metavar="PAGE", help="an address or an HTML file: all its sections")
            add(
                "--hints",
                default="",
                metavar="ELEMENT,…",
                help="elements that occur, for a model trained with config.data.hints",
            )
        add(
            "--image-size",
            type=_size,
            metavar="WxH",
            help="canvas for screenshots (default: that of the training)",
        )
        modes = MODES if predicts else ("dual", "semantic", "detail")
        methods = ("greedy", "nodes", "beam", *(["sample"] if predicts else []))
        add("--mode", default=modes[0], choices=modes, help=f"views (default {modes[0]})")
        add("--method", default="greedy", choices=methods, help=METHOD_HELP)
        add("--beam", type=int, default=4, help="hypotheses of a beam (default 4)")
        add(
            "--length-penalty",
            type=float,
            default=0.0,
            help="of --method=beam: 0 (default) ranks by probability, more favors longer answers",
        )
        add(
            "--confidence",
            action="store_true",
            help="how probable it is that each node is right (not with --method=beam)",
        )
        if not predicts:
            add(
                "--attention-overlap",
                action="store_true",
                help="how far the screenshot's attention overlaps with the boxes of elements",
            )
        if predicts:
            add(
                "--node-probabilities",
                action="store_true",
                help="with --method=nodes and --records: those of every label at every HTML node",
            )
            add("--nbest", type=int, default=1, help="hypotheses of a beam to tell (default 1)")
            add("--temperature", type=float, default=1.0, help="of --method=sample (default 1)")

    @classmethod
    def check_arguments(cls, flags: argparse.Namespace, command: str) -> None:
        if not 0 <= flags.length_penalty <= 10:
            raise BadUsage(f"--length-penalty is {flags.length_penalty}: choose 0 to 10")
        sure = flags.confidence or getattr(flags, "calibrate", False)
        if sure and flags.method == "beam":
            raise BadUsage("--confidence: a beam has no probabilities of single nodes")
        if flags.method == "nodes" and getattr(flags, "screenshot", None) and not flags.html:
            raise BadUsage("--method=nodes labels the nodes of HTML: give --html, too")
        if command == "evaluate":
            if flags.beam < 1:
                raise BadUsage(f"--beam is {flags.beam}: choose 1 or more")
            return
        if flags.node_probabilities and flags.method != "nodes":
            raise BadUsage("--node-probabilities goes with --method=nodes")
        if flags.node_probabilities and not (flags.records or flags.page):
            raise BadUsage("--node-probabilities goes with --records or --page: answers in a file")
        if fault := SomeOf(ELEMENTS).fault(flags.hints):
            raise BadUsage(f"--hints{fault}")
        given = flags.screenshot or flags.html
        many = flags.records or flags.page
        if many and (given or flags.sample is not None):
            which = "--records" if flags.records else "--page"
            raise BadUsage(f"{which} brings its own input: leave the others away")
        if flags.sample is None and not given and not many:
            raise BadUsage(
                "nothing to predict: give --screenshot, --html, --sample, --records or --page "
                "(see --help)"
            )
        if flags.sample is not None and given:
            raise BadUsage("--sample brings its own screenshot and tree: leave the other two away")
        if flags.beam < 1 or flags.temperature <= 0:
            raise BadUsage("--beam must be 1 or more, --temperature more than 0")
        most = flags.beam if flags.method == "beam" else 1
        if not 1 <= flags.nbest <= most:
            raise BadUsage(f"--nbest is {flags.nbest}: up to --beam, and 1 without --method=beam")

    @classmethod
    def examples(cls, command: str) -> str:
        return EXAMPLES[command]

    def options(self, flags: argparse.Namespace) -> dict[str, Any]:
        names = ("mode", "method", "beam", "length_penalty", "temperature", "confidence")
        options = {name: getattr(flags, name) for name in names if hasattr(flags, name)}
        if getattr(flags, "calibrate", False):
            options["confidence"] = True
        if getattr(flags, "nbest", 1) > 1:
            options["nbest"] = flags.nbest
        if getattr(flags, "node_probabilities", False):
            options["node_probabilities"] = True
        if getattr(flags, "attention_overlap", False):
            options["overlap"] = True
        return options

    # --- inputs ------------------------------------------------------------------------------

    def dataset(self, split: str) -> LayoutDataset:
        return self.task.dataset(split, self.spec)

    @classmethod
    def read_inputs(cls, flags: argparse.Namespace) -> Inputs:
        return read_inputs(flags)

    @classmethod
    def page_to_capture(cls, flags: argparse.Namespace) -> str | None:
        return flags.page

    @classmethod
    def capture(cls, page: str | os.PathLike, folder: Path) -> Path:
        """The sections of a page, rendered in a Chromium by `data_prep.capture`."""
        return page_sections.capture(page, folder)

    def fit_inputs(self, inputs: Inputs) -> Inputs:
        canvas = (self.spec.image_height, self.spec.image_width)
        return fit_to_model(inputs, self.spec.max_nodes, canvas)

    def stored_inputs(self, dataset: LayoutDataset, index: int, name: str) -> Inputs:
        record, picture = dataset.record(index), dataset.screenshot(index)
        image = decode_image(picture) if picture else None
        return Inputs(name, image, record.html, record.html_boxes)

    def featurize(self, inputs: Inputs) -> Sample:
        record = Record(screenshot="", html=inputs.html, html_boxes=inputs.html_boxes)
        sample = Featurizer(self.spec, self.task.vocabulary).build(record, inputs.image)
        if inputs.hints and not self.spec.hints:
            raise BadUsage("--hints: this model was trained without (config.data.hints)")
        if inputs.hints:
            sample["class_hints"] = np.isin(ELEMENTS, inputs.hints)
        return sample

    # --- answers -----------------------------------------------------------------------------

    def predict(
        self,
        params,
        batch,
        *,
        rng: jax.Array | None = None,
        overlap: bool = False,
        **options,
    ) -> Prediction | NodePrediction:
        prediction: Prediction | NodePrediction
        if options.get("method") == "nodes":
            prediction = predict_nodes(self.task, params, batch)
        else:
            prediction = decode_batch(self.task, params, batch, rng=rng, **options)
        if overlap:
            found = attention_overlap.of_batch(self.task, params, batch)
            prediction = prediction._replace(overlap=found)
        return prediction

    def decode(
        self,
        prediction: Prediction | NodePrediction,
        sources: Sequence[Inputs | Record],
        options: Mapping[str, Any],
    ) -> list[LayoutAnswer]:
        trees = [source.html for source in sources]
        mode, sure = options["mode"], bool(options.get("confidence"))
        label_rows: list = [None] * len(trees)
        if isinstance(prediction, NodePrediction):
            views = read_node_answers(prediction, trees, mode, confidence=sure)
            if options.get("node_probabilities"):
                label_rows = label_probabilities(prediction, trees)
        else:
            if not sure:  # an exported program gives them unasked
                prediction = prediction._replace(gains=None)
            nbest = options.get("nbest", 1)
            views = read_answers(prediction, trees, self.task.vocabulary, mode, nbest)
        views = [self._calibrated(pair) for pair in views]
        categories = prediction.category[: len(trees)].tolist()
        weights: list = [None] * len(trees)
        overlaps: list = [None] * len(trees)
        if prediction.weights is not None:
            weights = [tuple(pair) for pair in prediction.weights[: len(trees)].tolist()]
        if (overlap := prediction.overlap) is not None:
            overlaps = [
                {name: float(x[i]) for name, x in overlap.items()} for i in range(len(trees))
            ]
        return [
            LayoutAnswer(pair, CATEGORIES[number], *more)
            for pair, number, *more in zip(
                views, categories, weights, overlaps, label_rows, strict=True
            )
        ]

    def _calibrated(self, views: dict[str, DecodedLayout]) -> dict[str, DecodedLayout]:
        """The answers with the probabilities that the checkpoint's calibration makes of theirs."""
        found = {}
        for view, decoded in views.items():
            if decoded.probabilities is not None and not self.raw:
                platt = calibrator(self.task.calibration, decoded.calibration_key(view))
                calibrated = tuple(platt(np.array(decoded.probabilities)).tolist())
                decoded = decoded._replace(probabilities=calibrated)
            found[view] = decoded
        return found

    def to_json(self, answer: LayoutAnswer) -> str:
        """One view as it is; both as {"semantic": …, "detail": …}. With probabilities, a view is
        {"layout": …, "confidence": [one number per node, in depth-first order]}."""
        texts = {view: _view_json(view, decoded) for view, decoded in answer.views.items()}
        if len(texts) == 1:
            return next(iter(texts.values()))
        inner = ",\n".join(
            f'  "{view}": ' + text.replace("\n", "\n  ") for view, text in texts.items()
        )
        return f"{{\n{inner}\n}}"

    def summarize(self, inputs: Inputs, answer: LayoutAnswer) -> list[str]:
        lines = _notes(inputs, answer)
        if inputs.left_out:
            lines.append(
                f"warning: the tree has {inputs.left_out} nodes more than the model's "
                f"{self.spec.max_nodes}; they are left out"
            )
        present = (("screenshot", inputs.image is not None), ("HTML", bool(inputs.html)))
        used = " and ".join(name for name, there in present if there)
        lines.append(f"used: {used}; category {answer.category}")
        if answer.weights is not None:
            lines.append("weights: HTML {:.2f}, screenshot {:.2f}".format(*answer.weights))
        for view, decoded in answer.views.items():
            nodes = len(preorder(decoded.layout))
            lines.append(f"{view}: {nodes} elements, log probability {decoded.score:.2f}")
        return lines

    def draw(self, inputs: Inputs, answer: LayoutAnswer) -> Image.Image | None:
        """The detail view, whose nodes have boxes."""
        detail = answer.views.get("detail")
        if detail is None or inputs.image is None or inputs.html_boxes is None:
            return None
        boxes = boxes_to_draw(detail.layout, detail.nodes, inputs.html_boxes)
        return draw_boxes(*enlarged(inputs.image, boxes))

    def draw_reference(self, inputs: Inputs, reference: Record) -> Image.Image | None:
        if inputs.image is None or inputs.html_boxes is None:
            return None
        boxes = boxes_to_draw(reference.layout, reference.alignment(), inputs.html_boxes)
        return draw_boxes(*enlarged(inputs.image, boxes))

    # --- service -----------------------------------------------------------------------------

    @classmethod
    def read_json(cls, text: bytes, where: str) -> Any:
        return jsontext.decode(text, len(text), where)

    @classmethod
    def make_inputs(cls, values: Mapping[str, Any], name: str, limits: Limits) -> Inputs:
        return make_inputs(values, name, limits)

    def confidence(self, answer: LayoutAnswer) -> float | None:
        """The mean over the nodes of all views."""
        nodes = [p for view in answer.views.values() for p in view.probabilities or ()]
        return float(np.mean(nodes)) if nodes else None

    def agreement(self, answer: LayoutAnswer, other: LayoutAnswer) -> float:
        """F1 of the elements as bags, over the views of both; below 1 where anything differs."""
        return agreement(answer.views, other.views)

    def input_features(self, inputs: Inputs) -> dict[str, float | list[str]]:
        return input_features(inputs, self.task.vocabulary.codebook)

    def fit_baseline(self, dataset: LayoutDataset, numbers: Sequence[int]) -> dict[str, Any]:
        return tag_answer.fit(map(dataset.record, numbers))

    def guess(
        self, baseline: Mapping[str, Any], inputs: Inputs, options: Mapping[str, Any]
    ) -> LayoutAnswer | None:
        """The most frequent label of each tag; there is none without HTML."""
        views = tag_answer.guess(baseline, inputs.html, options["mode"])
        return None if views is None else LayoutAnswer(views, baseline["category"])

    def write_record(self, inputs: Inputs, answer: LayoutAnswer, folder: Path, name: str) -> int:
        """A record needs a screenshot. The answer is its layout, to be corrected by people."""
        return kept_records.write(inputs, answer.views.get("detail"), answer.category, folder, name)

    @classmethod
    def count_records(cls, folder: Path) -> int:
        return count_records(folder)

    @classmethod
    def read_records(cls, folder: Path) -> Iterator[tuple[str, Callable[[], Inputs]]]:
        return read_records(folder)

    def to_values(self, inputs: Inputs, answer: LayoutAnswer) -> dict[str, Any]:
        """One view's fields beside the others; of both, {"semantic": {…}, "detail": {…}}."""
        views = {
            view: describe_layout(decoded, view, inputs.html_boxes)
            for view, decoded in answer.views.items()
        }
        single = next(iter(views.values())) if len(views) == 1 else None
        present = {"screenshot": inputs.image is not None, "html": bool(inputs.html)}
        return {
            **(single or {"layout": {view: told["layout"] for view, told in views.items()}}),
            **({} if single else {"views": views}),
            "category": answer.category,
            **({} if not inputs.label else {"label_agreement": _with_label(answer, inputs)}),
            **({} if answer.weights is None else {"weights": list(answer.weights)}),
            **_node_probabilities(inputs, answer),
            "used": [name for name, there in present.items() if there],
            **({} if inputs.image is None else {"size": list(inputs.image.shape[1::-1])}),
            "nodes_left_out": inputs.left_out,
            "notes": _notes(inputs, answer),
        }

    # --- export ------------------------------------------------------------------------------

    def programs(self) -> dict[str, dict[str, Any]]:
        """One for each mode, and one that labels the HTML nodes; each gives probabilities where
        there is a calibration that makes them true."""
        sure = {"confidence": True} if self.task.calibration else {}
        modes = {mode: {"mode": mode, "method": "greedy"} | sure for mode in MODES}
        sure = sure if node_key("detail") in (self.task.calibration or {}) else {}
        return modes | {"nodes": {"mode": "detail", "method": "nodes"} | sure}

    def program_for(
        self, options: Mapping[str, Any], programs: Mapping[str, Mapping[str, Any]]
    ) -> str | None:
        """Beams and samples have options without end, another canvas has other shapes, and not
        every program gives probabilities of tokens."""
        method, mode = options.get("method", "greedy"), options["mode"]
        name = mode if method == "greedy" else "nodes" if method == "nodes" else None
        if name is None or not self.on_trained_canvas or options.get("overlap"):
            return None
        own = programs.get(name)
        enough = own is not None and own.get("confidence", False) >= options.get(
            "confidence", False
        )
        return name if enough else None

    def to_named(self, prediction: Prediction | NodePrediction) -> dict[str, jax.Array]:
        named = prediction._asdict()
        return {name: array for name, array in named.items() if array is not None}

    def from_named(self, arrays: Mapping[str, Any]) -> Prediction | NodePrediction:
        return NodePrediction(**arrays) if "labels" in arrays else Prediction(**arrays)

    # --- scores ------------------------------------------------------------------------------

    def references(self, dataset: LayoutDataset, limit: int | None) -> list[Record]:
        return [dataset.record(i) for i in range(min(limit or len(dataset), len(dataset)))]

    def groups(self, references: Sequence[Record]) -> list[dict[str, str]]:
        return suite.groups(references, self._training_records())

    def units(self, references: Sequence[Record]) -> list[str] | None:
        """Sites, so that the pages of one maker are one vote; of a few sites, which an interval
        could not be drawn from, None."""
        sites = [site_of(record) for record in references]
        return sites if len(set(sites)) >= LEAST_SITES else None

    def changes(self) -> Mapping[str, Callable[[Inputs], Inputs | None]]:
        return suite.CHANGES

    def is_labeled(self, reference: Record) -> bool:
        return reference.layout is not None

    def score(
        self, answers: Sequence[LayoutAnswer], references: Sequence[Record]
    ) -> dict[str, dict]:
        units = self.units(references)
        reports = {
            view: metrics.evaluate(_results(answers, references, view), units)
            for view in answers[0].views
        }
        for view, report in reports.items():
            decoded = [answer.views[view] for answer in answers]
            if decoded[0].probabilities is not None:
                report["confidence"] = view_report(decoded, references)
            # The same in both views: attention is the encoder's.
            if overlap := [answer.overlap for answer in answers if answer.overlap is not None]:
                report["scores"] |= attention_overlap.scores(overlap)
        return reports

    def to_calibrate(self, flags: argparse.Namespace) -> list[argparse.Namespace]:
        """Of the decoder and of the head of HTML nodes: their probabilities are others."""
        methods = ("greedy", "nodes") if self.task.stage.decoder else ("nodes",)
        return [argparse.Namespace(**{**vars(flags), "method": name}) for name in methods]

    def calibrate(self, answers: Sequence[LayoutAnswer], references: Sequence[Record]) -> dict:
        return {
            decoded.calibration_key(view): fit([each.views[view] for each in answers], references)
            for view, decoded in answers[0].views.items()
        }

    def calibration_errors(
        self, answers: Sequence[LayoutAnswer], references: Sequence[Record]
    ) -> dict[str, dict]:
        return {
            decoded.calibration_key(view): error_on_new_sites(
                [each.views[view] for each in answers], references
            )
            for view, decoded in answers[0].views.items()
        }

    def confidences(
        self, answers: Sequence[LayoutAnswer], references: Sequence[Record]
    ) -> tuple[np.ndarray, np.ndarray]:
        return pairs([answer.views["detail"] for answer in answers], references)

    def pseudo_label(
        self, dataset: LayoutDataset, index: int, values: Mapping[str, Any]
    ) -> PseudoLabel | None:
        return pseudo_label(dataset.record(index), dataset.screenshot(index), values)

    def baseline(self, references: Sequence[Record], answers: Sequence[LayoutAnswer] = ()) -> dict:
        """Scores of the most frequent label per tag, counted on the training split."""
        baseline = TagBaseline.fit(self._training_records())
        guesses = [baseline.predict(record.html) for record in references]
        results = [
            metrics.Result(guess.forest, record.layout or (), guess.nodes, record.alignment())
            for guess, record in zip(guesses, references, strict=True)
        ]
        return metrics.evaluate(results, self.units(references))

    def _training_records(self) -> Iterator[Record]:
        train = self.dataset("train")
        return (train.record(i) for i in range(len(train)))

    def describe(self, dataset: LayoutDataset, flags: argparse.Namespace) -> dict[str, Any]:
        stored = len(dataset.source)
        return {
            "data": str(self.task.folder),
            "split": flags.split,
            "records_in_split": stored,
            "records_too_large": stored - len(dataset),
            "method": f"beam {flags.beam}" if flags.method == "beam" else flags.method,
        }


def _view_json(view: str, decoded: DecodedLayout) -> str:
    text = print_layout(decoded.layout or (), semantic=view == "semantic", indent=2)
    if decoded.probabilities is None:
        return text
    numbers = json.dumps([round(p, 4) for p in decoded.probabilities])
    inner = text.replace("\n", "\n  ")
    return f'{{\n  "layout": {inner},\n  "confidence": {numbers}\n}}'


def _node_probabilities(inputs: Inputs, answer: LayoutAnswer) -> dict[str, Any]:
    """With the record's id, by which they are found again; nothing without a tree, or of one that
    was cut, since its nodes are not those of the record."""
    if answer.node_probabilities is None or inputs.left_out or not inputs.html:
        return {}
    rows = answer.node_probabilities.astype(float)
    return {
        "id": inputs.name,
        "node_probabilities": [[round(p, 5) for p in row] for row in rows.tolist()],
    }


def _notes(inputs: Inputs, answer: LayoutAnswer) -> list[str]:
    """How the inputs were taken, and what could not be told of them."""
    notes = list(inputs.notes)
    if not inputs.html and any(view.from_nodes for view in answer.views.values()):
        notes.append("warning: without HTML there are no nodes to label: choose another method")
    return notes


def _with_label(answer: LayoutAnswer, inputs: Inputs) -> float:
    """The agreement of an answer with the layout that its record has."""
    labels = {view: each._replace(layout=inputs.label) for view, each in answer.views.items()}
    return round(agreement(answer.views, labels), 4)


def _results(
    answers: Sequence[LayoutAnswer], references: Sequence[Record], view: str
) -> list[metrics.Result]:
    """What metrics compare, of one view. The semantic one points at no nodes: nothing to align."""
    aligned = view == "detail"
    results = []
    for answer, record in zip(answers, references, strict=True):
        decoded = answer.views[view]
        results.append(
            metrics.Result(
                decoded.layout,
                record.layout,
                decoded.nodes if aligned else None,
                record.alignment() if aligned else None,
                decoded.completed,
                answer.category,
                CATEGORIES[category_index(record.category)],
            )
        )
    return results


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and min(int(width), int(height)) >= 64):
        raise argparse.ArgumentTypeError(f"{text!r} is no WIDTHxHEIGHT such as 1280x720")
    return int(width), int(height)
