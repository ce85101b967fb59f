"""A published model as a text encoder: texts to vectors, as LLM2Vec (BehnamGhader et al. 2024) and
the sentence encoders of the BERT form do; loaded from a folder, saved to one that the reference
library reads.

Letters: B batch, T tokens, D width.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.nn.text import low_rank
from xojl_jax.nn.text.bert import BertEncoder
from xojl_jax.nn.text.config import BertConfig, LanguageConfig
from xojl_jax.nn.text.language_model import LanguageModel
from xojl_jax.nn.text.pooling import POOLINGS, pool
from xojl_jax.pretrained import bert, language, names, prompts
from xojl_jax.pretrained.folder import (
    CONFIG,
    WeightsFolder,
    read_json,
    write_json,
    write_weights,
)
from xojl_jax.pretrained.tokenizer import PublishedTokenizer

Array = jax.Array

SETTINGS = "llm2vec_config.json"
# Lengths of rows: each is a program to compile, and a row is at most twice its text.
LENGTHS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What llm2vec_config.json holds.

    Attributes:
      pooling_mode: a key of `pooling.POOLINGS`.
      max_length: tokens of instruction and document together.
      doc_max_length: tokens of the document.
      skip_instruction: whether the instruction is left out of the pooling; the model reads it.
    """

    pooling_mode: str = "mean"
    max_length: int = 512
    doc_max_length: int = 400
    skip_instruction: bool = True

    def __post_init__(self) -> None:
        if self.pooling_mode not in POOLINGS:
            raise BadUsage(
                f"pooling_mode {self.pooling_mode!r} is not known: choose one of "
                f"{', '.join(POOLINGS)}"
            )


class Tokens(NamedTuple):
    """A batch of texts: int32[B, T], and bool[B, T] of real tokens, of those that count in the
    vector, and of those that begin a text."""

    ids: np.ndarray
    mask: np.ndarray
    embed: np.ndarray
    begins: np.ndarray


class Form(NamedTuple):
    """What the two kinds of model differ in.

    Attributes:
      parse: a published config -> ours.
      table: its names.
      pad_left: the side of the padding.
      changes: fields of the config for an encoder.
    """

    parse: Callable[..., Any]
    table: names.Table
    pad_left: bool
    changes: Mapping[str, Any]


LANGUAGE = Form(language.parse_config, language.TABLE, True, {"bidirectional": True})
BERT = Form(bert.parse_config, bert.TABLE, False, {})
FORMS = dict.fromkeys(language.FORMS, LANGUAGE) | {"bert": BERT}


class TextEncoder:
    """Texts to vectors.

    Args:
      config: of the model.
      params: nested and unboxed; numpy or jax arrays.
      tokenizer: of the model.
      settings: of the encoding.
      published: what config.json says, for `save`.
    """

    def __init__(
        self,
        config: LanguageConfig | BertConfig,
        params: Mapping[str, Any],
        tokenizer: PublishedTokenizer,
        settings: Settings,
        published: Mapping[str, Any],
    ):
        self.config, self.tokenizer, self.settings = config, tokenizer, settings
        self.form = LANGUAGE if isinstance(config, LanguageConfig) else BERT
        self.published = dict(published)
        if settings.pooling_mode == "bos_token" and tokenizer.bos is None:
            raise BadUsage("pooling_mode bos_token: the tokenizer has no such token")
        self.params = params

    @classmethod
    def load(cls, folder: str | Path, settings: Mapping[str, Any] | None = None, **changes: Any):
        """An encoder from a published folder.

        Args:
          folder: config.json, safetensors, tokenizer.json, and llm2vec_config.json where there is
            one. A language model is read as bidirectional.
          settings: fields of `Settings` that replace those of llm2vec_config.json.
          changes: fields of the model's config: `dtype="bfloat16"`, `bidirectional=False`.

        Raises:
          BadInput: the folder is not what it should be.
        """
        folder = Path(folder)
        published = read_json(folder / CONFIG)
        form = FORMS.get(published.get("model_type", ""))
        if form is None:
            raise BadInput(
                f"{folder / CONFIG}: model_type {published.get('model_type')!r} is not built: it "
                f"must be one of {', '.join(FORMS)}"
            )
        config = form.parse(published, str(folder / CONFIG), **(form.changes | changes))
        params = names.read(WeightsFolder(folder), form.table, abstract_params(config))
        told = _stored_settings(folder, form, config) | dict(settings or {})
        return cls(config, params, PublishedTokenizer(folder), Settings(**told), published)

    # --- texts to vectors --------------------------------------------------------------------

    def encode(self, texts: Sequence[str | tuple[str, str]], batch_size: int = 32) -> np.ndarray:
        """float32[len(texts), D], in the order of the texts.

        Batches are of texts of like length, longest first, split over all local devices.

        Args:
          texts: documents, or pairs (instruction, document).
          batch_size: texts at once, over all devices.
        """
        pairs = [("", text) if isinstance(text, str) else text for text in texts]
        joined = [self._join(instruction, document) for instruction, document in pairs]
        order = sorted(range(len(joined)), key=lambda i: -len(joined[i]))
        vectors = np.zeros((len(joined), self.config.width), np.float32)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            tokens = self.tokenize([joined[i] for i in rows])
            vectors[rows] = self._embed(tokens)[: len(rows)]
        return vectors

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Texts, with separators, as a batch. Its length is one of `LENGTHS`."""
        limit = self.settings.max_length
        dressed = [
            prompts.dress(text, self.published, self.settings.pooling_mode) for text in texts
        ]
        whole, documents = zip(*map(prompts.parts, dressed), strict=True)
        ids = self.tokenizer.encode(whole, limit)
        counted = [len(row) for row in self.tokenizer.encode(documents, limit, special=False)]
        if not self.settings.skip_instruction:
            counted = [len(row) for row in ids]
        longest = max(map(len, ids))
        length = next((size for size in LENGTHS if size >= longest), longest)
        if isinstance(self.config, BertConfig):
            length = min(length, self.config.max_length)
        batch = Tokens(
            np.full((len(ids), length), self.tokenizer.pad or 0, np.int32),
            *(np.zeros((len(ids), length), bool) for _ in range(3)),
        )
        for i, (row, count) in enumerate(zip(ids, counted, strict=True)):
            start = length - len(row) if self.form.pad_left else 0
            end = start + len(row)
            batch.ids[i, start:end] = row
            batch.mask[i, start:end] = True
            # The document is what a row ends with.
            batch.embed[i, max(end - count, start) : end] = True
            batch.begins[i, start:end] = batch.ids[i, start:end] == self.tokenizer.bos
        return batch

    def _join(self, instruction: str, document: str) -> str:
        def count(text: str) -> int:
            limit = self.settings.max_length
            return len(self.tokenizer.encode([text], limit, special=False)[0])

        return prompts.join(instruction, document, self.settings.doc_max_length, count)

    def _embed(self, tokens: Tokens) -> np.ndarray:
        """float32[B or more, D]: rows are filled up to a number that devices divide."""
        rows, devices = len(tokens.ids), len(jax.local_devices())
        whole = -(-rows // devices) * devices
        filled = Tokens(*(np.concatenate([x, x[:1].repeat(whole - rows, 0)]) for x in tokens))
        placed = jax.device_put(filled, NamedSharding(_mesh(), PartitionSpec("rows")))
        program = _embedder(self.config, self.settings.pooling_mode)
        return np.asarray(program(self._placed_params, *placed))

    @functools.cached_property
    def _placed_params(self) -> Any:
        return jax.device_put(self.params, NamedSharding(_mesh(), PartitionSpec()))

    # --- to a folder -------------------------------------------------------------------------

    def resize_vocabulary(self, size: int) -> "TextEncoder":
        """The same encoder with a table of so many rows: more start as the mean of those there,
        fewer are cut off."""
        embedding = _resize(np.asarray(self.params["embed"]["embedding"]), size)
        params = {**self.params, "embed": {"embedding": embedding}}
        if "head" in params:
            kernel = _resize(np.asarray(params["head"]["kernel"]).T, size).T
            params["head"] = {"kernel": kernel}
        config = dataclasses.replace(self.config, vocabulary=size)
        published = self.published | {"vocab_size": size}
        return TextEncoder(config, params, self.tokenizer, self.settings, published)

    def save(self, folder: str | Path) -> None:
        """Writes what `load` and the reference library read: adapters are merged."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        params = jax.tree.map(np.asarray, self.params)
        if isinstance(self.config, LanguageConfig) and self.config.lora is not None:
            params = low_rank.merge(params, self.config.lora)
        # A head is no part of an encoder.
        params = {name: child for name, child in params.items() if name != "head"}
        write_weights(folder, names.write(params, self.form.table))
        write_json(folder / CONFIG, self.published | {"vocab_size": self.config.vocabulary})
        write_json(folder / SETTINGS, dataclasses.asdict(self.settings))
        self.tokenizer.save(folder)


@functools.lru_cache(maxsize=8)
def _embedder(config: LanguageConfig | BertConfig, pooling: str) -> Callable[..., Array]:
    """The jitted (parameters, *tokens) -> float32[B, D]."""
    model = BertEncoder(config) if isinstance(config, BertConfig) else LanguageModel(config)

    def embed(params, ids: Array, mask: Array, counts: Array, begins: Array) -> Array:
        hidden = model.apply({"params": params}, ids, mask)
        assert isinstance(hidden, Array)
        return pool(pooling, hidden, mask, counts, begins)

    return jax.jit(embed)


def abstract_params(config: LanguageConfig | BertConfig, head: bool = False) -> Any:
    """Shapes of a model's parameters, unboxed; with those of its head only if asked for."""
    if isinstance(config, BertConfig):
        model, method = BertEncoder(config), None
    else:
        model, method = LanguageModel(config), LanguageModel.logits if head else None
    tokens = jnp.zeros((1, 8), jnp.int32)

    def init(rng: Array) -> Any:
        # Unboxed within the trace: under a mesh it constrains shardings, which shapes have none of.
        return nn.meta.unbox(model.init(rng, tokens, method=method))["params"]

    return jax.eval_shape(init, jax.random.key(0))


def _stored_settings(folder: Path, form: Form, config: Any) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(Settings)}
    told = read_json(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    told = {name: value for name, value in told.items() if name in known}
    if form is BERT:
        # Sentence encoders average all tokens, CLS and SEP included.
        told = {"max_length": config.max_length, "skip_instruction": False} | told
    return told


def _resize(table: np.ndarray, rows: int) -> np.ndarray:
    more = np.broadcast_to(table.mean(0), (max(rows - len(table), 0), table.shape[1]))
    return np.concatenate([table[:rows], more.astype(table.dtype)])


@functools.cache
def _mesh() -> jax.sharding.Mesh:
    devices = jax.local_devices()
    return jax.make_mesh((len(devices),), ("rows",), axis_types=(AxisType.Auto,), devices=devices)
