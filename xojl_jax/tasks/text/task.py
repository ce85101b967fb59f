"""The text task: LLM2Vec's two steps (BehnamGhader et al. 2024) on passages of text.

Letters: B batch, T tokens.
"""

import functools
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.config_fields import split_names
from xojl_jax.documents.word_pieces import NAME, WordPieces
from xojl_jax.errors import BadUsage
from xojl_jax.nn.text import low_rank
from xojl_jax.nn.text.config import LanguageConfig, LoraConfig
from xojl_jax.nn.text.contrast import info_nce
from xojl_jax.nn.text.language_model import LanguageModel, language_flops
from xojl_jax.nn.text.masked_next_token import masked_next_token
from xojl_jax.nn.text.pooling import pool
from xojl_jax.pretrained import language, names
from xojl_jax.pretrained.folder import CONFIG, WeightsFolder, read_json
from xojl_jax.pretrained.text_encoder import abstract_params
from xojl_jax.pretrained.tokenizer import PublishedTokenizer
from xojl_jax.tasks.base import Batch, Bucket, Params, RealWork, Sample, Task
from xojl_jax.tasks.text.byte_tokens import ByteTokens
from xojl_jax.tasks.text.dataset import Passages, Tokenizer
from xojl_jax.tasks.text.fields import FIELDS
from xojl_jax.tasks.text.piece_tokens import PieceTokens

Array = jax.Array

SAMPLE_TEXT = Path(__file__).parent / "passages.txt"


class TextTask(Task):
    """A language model becomes a text encoder.

    From scratch, text is bytes, or word pieces where `config.data` names some; with
    `config.model.pretrained`, a published folder gives weights, sizes and tokenizer. With
    `config.lora.rank`, the model is frozen and adapters are trained.

    Args:
      config: see configs/text.py.
      metadata: what `metadata` gave when the parameters were trained; None takes the word pieces
        that the config names.
    """

    fields = FIELDS

    def __init__(self, config, metadata: dict[str, Any] | None = None):
        super().__init__(config)
        self._metadata = metadata or {}

    # --- data --------------------------------------------------------------------------------

    @functools.cached_property
    def tokenizer(self) -> Tokenizer:
        folder = self.config.model.pretrained
        if folder:
            return PublishedTokenizer(folder)
        return ByteTokens() if self.pieces is None else PieceTokens(self.pieces)

    @functools.cached_property
    def pieces(self) -> WordPieces | None:
        """Those of the checkpoint, of `config.data.tokenizer`, or of the shards; None: bytes."""
        if "tokenizer" in self._metadata:
            return WordPieces.from_json(self._metadata["tokenizer"], "the checkpoint's tokenizer")
        c = self.config.data
        beside = Path(c.path) / NAME
        path = c.tokenizer or (str(beside) if c.path and beside.is_file() else "")
        return WordPieces.load(path) if path else None

    def metadata(self) -> dict[str, Any]:
        if isinstance(self.tokenizer, PieceTokens):
            return {"tokenizer": self.tokenizer.pieces.to_json()}
        return {}

    @functools.cached_property
    def mask_token(self) -> int:
        """The id of a masked token."""
        if self.tokenizer.mask is not None:
            return self.tokenizer.mask
        # As the reference does where a model was trained without such a token.
        [[blank, *_]] = self.tokenizer.encode(["_"], 4, special=False)
        return blank

    def dataset(self, split: str) -> Passages:
        c = self.config.data
        source = Path(c.path) if c.path else SAMPLE_TEXT
        return Passages(source, split, self.tokenizer, c.length, c.mask_share)

    def batch_spec(self, bucket: Bucket | None = None) -> dict[str, jax.ShapeDtypeStruct]:
        shape = (self.config.batch_size, self.config.data.length)
        kinds = {"tokens": jnp.int32, "token_mask": jnp.bool_, "masked": jnp.bool_}
        return {name: jax.ShapeDtypeStruct(shape, kind) for name, kind in kinds.items()}

    def real_work(self, batch: Sample) -> RealWork:
        share = float(batch["token_mask"].mean())
        flops = sum(self.flops().values()) * len(batch["token_mask"])
        return RealWork({"tokens": share}, share * flops)

    # --- the model ---------------------------------------------------------------------------

    @functools.cached_property
    def model_config(self) -> LanguageConfig:
        c = self.config.model
        chosen = {
            "bidirectional": c.bidirectional,
            "dropout": c.dropout,
            "dtype": c.dtype,
            "remat": c.remat,
            "lora": self._lora,
        }
        if c.shift_group:
            chosen["shift_group"] = c.shift_group
        if c.pretrained:
            path = Path(c.pretrained) / CONFIG
            return language.parse_config(read_json(path), str(path), **chosen)
        rows = c.vocabulary or (self.pieces.size if self.pieces else ByteTokens.size)
        return LanguageConfig.of_sizes(c, rows, **chosen)

    @property
    def _lora(self) -> LoraConfig | None:
        c = self.config.lora
        if not c.rank:
            return None
        targets = split_names(c.targets)
        return LoraConfig(c.rank, c.alpha, c.dropout, targets, c.embeddings, c.norms)

    def model(self) -> nn.Module:
        return LanguageModel(self.model_config, sparse=bool(self.config.model.shift_group))

    def init(self, rng: Array) -> Params:
        return self._split(self._init(rng))[0]

    def init_frozen(self, rng: Array) -> Params:
        return self._split(self._init(rng))[1] if self._lora else {}

    def _split(self, params: Params) -> tuple[dict[str, Any], dict[str, Any]]:
        return low_rank.split(params, lambda path: low_rank.is_trained(path, self._lora))

    def _init(self, rng: Array) -> Params:
        """All boxed parameters; those of a published folder are read when the program runs."""
        method = LanguageModel.logits
        params = self.model().init(rng, jnp.zeros((1, 8), jnp.int32), method=method)["params"]
        if not self.config.model.pretrained:
            return params

        def take(path, box: nn.LogicallyPartitioned) -> nn.Partitioned:
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            if low_rank.SUFFIX in name:
                return box
            shape = jax.ShapeDtypeStruct(box.value.shape, jnp.float32)
            return box.replace_boxed(jax.pure_callback(lambda: self._published[name], shape))

        is_box = functools.partial(lambda box, kind: isinstance(box, kind), kind=nn.Partitioned)
        return jax.tree_util.tree_map_with_path(take, params, is_leaf=is_box)

    @functools.cached_property
    def _published(self) -> dict[str, np.ndarray]:
        """Path -> array of the published model."""
        found: dict[str, np.ndarray] = {}

        def keep(path: str, array: np.ndarray) -> np.ndarray:
            found[path] = array
            return array

        bare = abstract_params(language.without_lora(self.model_config), head=True)
        names.read(WeightsFolder(self.config.model.pretrained), language.TABLE, bare, keep)
        return found

    def param_group(self, path: str) -> str:
        return "text"

    def flops(self, bucket: Bucket | None = None) -> dict[str, float]:
        c, length = self.model_config, self.config.data.length
        passes = 2 if self.config.objective == "simcse" else 1
        sparse = bool(self.config.model.shift_group)
        parts = {"blocks": passes * language_flops(c, length, sparse)}
        if self.config.objective == "mntp":
            parts["head"] = 2.0 * length * c.width * c.vocabulary
        return parts

    # --- the losses --------------------------------------------------------------------------

    def loss(self, params, batch: Batch, rng: Array, *, train: bool, frozen: Params | None = None):
        params = low_rank.join(params, frozen or {})
        losses = {"mntp": self._mntp, "simcse": self._simcse}
        loss, metrics = losses[self.config.objective](params, batch, rng, train)
        metrics[f"loss/{self.config.objective}"] = loss
        return loss, metrics

    def _states(self, params: Params, tokens: Array, mask: Array, rng: Array | None) -> Array:
        rngs = {} if rng is None else {"dropout": rng}
        hidden = self.model().apply({"params": params}, tokens, mask, rngs=rngs)
        assert isinstance(hidden, Array)
        return hidden

    def _mntp(self, params: Params, batch: Batch, rng: Array, train: bool):
        tokens, masked = batch["tokens"], batch["masked"]
        hidden = jnp.where(masked, jnp.int32(self.mask_token), tokens)
        states = self._states(params, hidden, batch["token_mask"], rng if train else None)
        head = self.model().apply({"params": params}, method=LanguageModel.head)
        assert isinstance(head, Array)
        loss, metrics = masked_next_token(states, head, tokens, masked)
        count = metrics.pop("masked")
        return loss, metrics | {"tokens": count, "weight": count}

    def _simcse(self, params: Params, batch: Batch, rng: Array, train: bool):
        c, mask = self.config.simcse, batch["token_mask"]

        # In evaluation, too: without dropout both passes are one, and nothing is measured.
        def embed(which: int) -> Array:
            states = self._states(params, batch["tokens"], mask, jax.random.fold_in(rng, which))
            return pool(c.pooling, states, mask, None, batch["tokens"] == self.tokenizer.bos)

        loss, metrics = info_nce(embed(0), embed(1), c.temperature)
        return loss, metrics | {"tokens": mask.sum().astype(jnp.float32)}

    # --- answers -----------------------------------------------------------------------------

    def inference(self, flags=None):
        raise BadUsage(
            "a run of the text task is an encoder for other tasks (--config.init_from) and gives "
            "no answers of its own; its metrics are in its summary.json"
        )

    def describe(self) -> str:
        return f"{self.config.objective}, preset {self.config.preset}"

    def run_name(self) -> str:
        return f"text-{self.config.objective}-{self.config.preset}"
