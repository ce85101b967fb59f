"""The task of answering questions about pages: instruction tuning of pre-trained encoders."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.config_fields import flatten, split_names
from xojl_jax.data.shards import NoSplit
from xojl_jax.errors import BadUsage
from xojl_jax.nn.low_rank import add_adapters, init_adapters
from xojl_jax.pretrained import bert, names
from xojl_jax.pretrained.folder import CONFIG, WeightsFolder, read_json
from xojl_jax.pretrained.text_encoder import abstract_params
from xojl_jax.pretrained.tokenizer import PublishedTokenizer
from xojl_jax.tasks.base import Bucket, Params
from xojl_jax.tasks.buckets import choose, cut_batch, make_bucket, used_columns
from xojl_jax.tasks.document.answering.configure import answer_config
from xojl_jax.tasks.document.answering.dataset import FewShotDataset, QuestionDataset
from xojl_jax.tasks.document.answering.features import QuestionFeaturizer
from xojl_jax.tasks.document.answering.fields import FIELDS
from xojl_jax.tasks.document.answering.flops import forward_flops
from xojl_jax.tasks.document.answering.inference import AnswerInference
from xojl_jax.tasks.document.answering.losses import answer_loss
from xojl_jax.tasks.document.answering.model import AnswerModel
from xojl_jax.tasks.document.answering.model_config import AnswerConfig
from xojl_jax.tasks.document.answering.sample_spec import (
    DIMENSIONS,
    MULTIPLES,
    SHOT_COUNTS,
    QuestionSpec,
    batch_spec,
    sample_spec,
)
from xojl_jax.tasks.document.answering.vocabulary import AnswerVocabulary
from xojl_jax.tasks.document.page_task import PageTask

# Shapes to answer in, each half as wide as the next: a page of few words takes little time.
ANSWER_BUCKETS = 3
# Parameters that pre-training has, too: with adapters, they stay as they are.
ENCODERS = ("trunk/vision/", "trunk/multiway/", "text/")


class DocumentAnswersTask(PageTask):
    """Questions about pages, with answers in words, fields, regions and tables.

    Args:
      config: see configs/document_answers.py.
      metadata: what `metadata` gave when the parameters were trained; None takes the tokenizer of
        words and the statistics from the training data.
    """

    inference_type = AnswerInference
    fields = FIELDS

    def __init__(self, config, metadata: dict[str, Any] | None = None):
        super().__init__(config, metadata)
        if config.prompt.shots and not self.reads_prompts:
            raise BadUsage(
                f"config.prompt.shots is {config.prompt.shots}, and this model reads no prompts: "
                "choose a config.prompt.encoder and leave prompt in config.inputs"
            )

    @property
    def reads_prompts(self) -> bool:
        c = self.config
        return c.prompt.encoder != "none" and "prompt" in split_names(c.inputs)

    # --- data --------------------------------------------------------------------------------

    @functools.cached_property
    def vocabulary(self) -> AnswerVocabulary:
        return AnswerVocabulary(self.pieces, self.config.answer.bins)

    @functools.cached_property
    def question_spec(self) -> QuestionSpec:
        c = self.config
        return QuestionSpec(self.spec, c.prompt.max_tokens, c.answer.max_length, c.prompt.shots)

    @functools.cached_property
    def featurizer(self) -> QuestionFeaturizer:
        inputs = split_names(self.config.inputs)
        return QuestionFeaturizer(self.question_spec, self.vocabulary, self._encode_prompt, inputs)

    @functools.cached_property
    def _encode_prompt(self) -> Callable[[str, int], Sequence[int]] | None:
        kind = self.config.prompt.encoder
        if kind == "none":
            return None
        if kind == "pieces":
            return lambda text, most: [i for w in text.split() for i in self.pieces.encode(w)]
        assert self.published_prompt is not None
        tokenizer = PublishedTokenizer(
            self.config.prompt.pretrained, self.published_prompt["tokenizer"]
        )
        return lambda text, most: tokenizer.encode([text], most)[0]

    @functools.cached_property
    def published_prompt(self) -> dict[str, Any] | None:
        """Of the folder of `config.prompt.pretrained`: "config", and the text of "tokenizer"."""
        if self.config.prompt.encoder != "published":
            return None
        if self._metadata:  # a checkpoint is read where the folder may be gone
            return self._metadata["prompt"]
        folder = self.config.prompt.pretrained
        if not folder:
            raise BadUsage(
                "the prompt encoder 'published' begins with a published sentence encoder: give its "
                "folder (config.json, model.safetensors, tokenizer.json) with "
                "--config.prompt.pretrained=FOLDER"
            )
        text = PublishedTokenizer(folder).text
        return {"config": read_json(Path(folder) / CONFIG), "tokenizer": text}

    def dataset(self, split: str) -> QuestionDataset:
        """The questions of a split, in buckets where there are several."""
        dataset = self._open(split)
        if len(self.buckets()) > 1:
            dataset.use_buckets(self.buckets(), self._needed_sizes(split))
        return dataset

    def _open(self, split: str) -> QuestionDataset:
        if split == "train" and (shots := self.config.prompt.shots):
            return FewShotDataset(self.folder, split, self.featurizer, shots)
        return QuestionDataset(self.folder, split, self.featurizer)

    def batch_spec(self, bucket: Bucket | None = None) -> dict[str, jax.ShapeDtypeStruct]:
        return batch_spec(self.question_spec.cut(bucket), self.config.batch_size)

    def buckets(self) -> tuple[Bucket, ...]:
        return self._buckets

    @functools.cached_property
    def _buckets(self) -> tuple[Bucket, ...]:
        full = self.question_spec.shape
        data = self.config.data
        return choose(data, DIMENSIONS, full, self._train_sizes, self._cost, MULTIPLES)

    def _cost(self, shape) -> float:
        config = self.model_config.cut(*shape)
        return sum(forward_flops(config, self.question_spec.max_prompt).values())

    def _needed_sizes(self, split: str) -> np.ndarray:
        """What the questions of a split need: read once for all buckets."""
        if split not in self._sizes:
            self._sizes[split] = self._open(split).needed_sizes()
        return self._sizes[split]

    @functools.cached_property
    def _sizes(self) -> dict[str, np.ndarray]:
        return {}

    def _train_sizes(self):
        """What the training questions need; nothing without such a split."""
        try:
            return self._needed_sizes("train"), None
        except NoSplit:
            return np.zeros((0, len(DIMENSIONS)), np.int64), None

    def answer_buckets(self, most: int) -> tuple[Bucket, ...]:
        """Of tokens of the page alone: an answer may always be as long as any."""
        full = self.question_spec.shape
        halves = [-(-full[0] // 2**i) for i in range(max(1, min(most, ANSWER_BUCKETS)))]
        return tuple(make_bucket(DIMENSIONS, (tokens, full[1])) for tokens in sorted(set(halves)))

    def fits(self, batch: Mapping[str, np.ndarray], bucket: Bucket) -> bool:
        return used_columns(batch["tokens_mask"]) <= bucket.shape[0]

    def cut(self, batch: Mapping[str, np.ndarray], bucket: Bucket) -> dict[str, np.ndarray]:
        return cut_batch(batch, sample_spec(self.question_spec.cut(bucket)))

    def metadata(self) -> dict[str, Any]:
        prompt = {} if self.published_prompt is None else {"prompt": self.published_prompt}
        return super().metadata() | prompt

    # --- the model ---------------------------------------------------------------------------

    @functools.cached_property
    def model_config(self) -> AnswerConfig:
        prompt = self.published_prompt
        return answer_config(
            self.config,
            self.vocabulary,
            self.statistics,
            self.published,
            None if prompt is None else prompt["config"],
        )

    def model(self) -> AnswerModel:
        return AnswerModel(self.model_config)

    def init(self, rng: jax.Array):
        batch = {
            name: jnp.zeros(array.shape, array.dtype)
            for name, array in batch_spec(self.question_spec, 1).items()
        }
        params = self.model().init(rng, batch, method="scores")["params"]
        if (adapters := self.model_config.adapters) is None:
            return params
        rng = jax.random.fold_in(rng, 1)
        return {**params, "adapters": init_adapters(rng, params, adapters, _is_encoder)}

    def adapted(self, params: Params) -> Params:
        """Parameters as the model takes them: adapters added, where there are any."""
        if (adapters := self.model_config.adapters) is None:
            return params
        own = {name: child for name, child in params.items() if name != "adapters"}
        return add_adapters(_without_gradient(own), params["adapters"], adapters)

    def published_params(self) -> dict[str, np.ndarray]:
        params = super().published_params()
        if self.published_prompt is not None:
            config = self.model_config.prompt
            assert config is not None
            folder = WeightsFolder(self.config.prompt.pretrained)
            read = names.read(folder, bert.TABLE, abstract_params(config))
            params |= flatten({"prompt": {"text": read}}, "/")
        return params

    def param_group(self, path: str) -> str:
        if self.model_config.adapters is not None and _is_encoder(path):
            return "still"
        if path.startswith("prompt/"):
            return "prompt"
        if path.startswith("trunk/vision/"):
            return "vision"
        return "rest" if _is_encoder(path) or path.startswith("adapters/") else "decoder"

    def flops(self, bucket: Bucket | None = None) -> dict[str, float]:
        config = self.model_config if bucket is None else self.model_config.cut(*bucket.shape)
        return forward_flops(config, self.question_spec.max_prompt)

    # --- the loss ----------------------------------------------------------------------------

    def loss(self, params, batch, rng: jax.Array, *, train: bool):
        scores: Any = self.model().apply(
            {"params": self.adapted(params)},
            batch,
            rngs={"dropout": rng} if train else {},
            method="scores",
        )
        loss, metrics = answer_loss(
            scores,
            batch["target"],
            self.vocabulary,
            self.config.loss,
            self.config.answer.token_weights,
        )
        counted = {name: batch[name] for name in SHOT_COUNTS if name in batch}
        return loss, metrics | {n: count.mean(dtype=jnp.float32) for n, count in counted.items()}

    # --- prediction --------------------------------------------------------------------------

    def inference(self, flags=None) -> AnswerInference:
        return AnswerInference(self, flags)


def _is_encoder(path: str) -> bool:
    return f"{path}/".startswith(ENCODERS)


def _without_gradient(params: Params) -> dict[str, Any]:
    """The same, where encoders get no gradient."""

    def stop(path, leaf):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        return jax.lax.stop_gradient(leaf) if _is_encoder(name) else leaf

    return jax.tree_util.tree_map_with_path(stop, dict(params))
