"""The ledger of answers about pages (R046): which inputs and parts are ablated, and answers that
are right, by document or site."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.ledger_claims import Ablation
from xojl_jax.evaluation.counts import ratio
from xojl_jax.tasks.document.answering.compared import is_accepted
from xojl_jax.tasks.document.answering.features import INPUTS


def _without(left_out: str) -> dict[str, Any]:
    return {"inputs": ",".join(name for name in INPUTS if name != left_out)}


ABLATIONS: dict[str, Ablation] = {
    "no_prompt": Ablation(
        "R031", "prompts, their text and their box", "", _without("prompt"), default=True
    ),
    "no_picture": Ablation("R011", "the picture", "", _without("picture"), default=True),
    "no_boxes": Ablation("R027", "boxes of words", "", _without("boxes"), default=True),
    "pretrained": Ablation(
        "R035", "pre-training of the encoders, against none", "", {}, pretrained=True
    ),
    "adapters": Ablation(
        "R038",
        "pre-trained encoders with adapters of rank 8, against training all from scratch",
        "",
        {"lora.rank": 8},
        pretrained=True,
    ),
    "no_words": Ablation("R029", "words", "", _without("words"), default=True),
    "no_prompt_text": Ablation(
        "R031",
        "the encoder of prompts' text (their box stays)",
        "",
        {"prompt.encoder": "none"},
        default=True,
    ),
    "no_box_bias": Ablation(
        "R030", "attention biased by boxes", "", {"model.box_channels": 0}, default=True
    ),
    "one_feed_forward": Ablation(
        "R028",
        "a feed-forward for each modality, against one for both",
        "",
        {"model.multiway_layers": 0, "model.joint_layers": 3},
        default=True,
    ),
    "token_weights_root": Ablation(
        "R033", "tokens of long answers count less", "", {"answer.token_weights": "root"}
    ),
    "token_weights_answer": Ablation(
        "R033", "every answer counts alike", "", {"answer.token_weights": "answer"}
    ),
}


def counts(inference, dataset, numbers: Sequence[int], answers: Sequence[Any]) -> dict[str, Any]:
    """ "records": names of documents or sites; "right": int[R, 2], of each the questions that were
    answered exactly right, and all that have a reference answer."""
    del inference
    units: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for number, answer in zip(numbers, answers, strict=True):
        record, question = dataset.source(number)
        if question.answer is not None:
            row = units[record.split_group()]
            row[0] += is_accepted(answer.answer, question, (record.words, record.boxes))
            row[1] += 1
    return {"records": list(units), "right": list(units.values())}


def accuracy(sums: np.ndarray) -> np.ndarray:
    """The share that is right, of summed counts [..., 2]."""
    return ratio(sums[..., 0], sums[..., 1])


def size(held: Mapping[str, Any]) -> str:
    asked = sum(row[1] for row in held["right"])
    return f"{asked} questions, {len(held['records'])} documents or sites"
