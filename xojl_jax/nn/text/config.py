"""What text encoders are built from: frozen dataclasses, hashable: modules can hold them."""

import dataclasses

import jax.numpy as jnp

from xojl_jax.errors import BadUsage
from xojl_jax.nn.activations import ACTIVATIONS_BY_NAME
from xojl_jax.nn.config import DTYPES

# The linear maps of a language model's block that may have an adapter.
ADAPTABLE = ("query", "key", "value", "out", "gate", "up", "down")


@dataclasses.dataclass(frozen=True)
class LoraConfig:
    """Low-rank adapters (Hu et al. 2021), and what LongLoRA (Chen et al. 2023) trains beside them.

    Attributes:
      rank: r, of each adapter.
      alpha: an adapter's product counts `alpha / rank` times.
      dropout: rate, on what adapters read.
      targets: the linear maps that have one, of `ADAPTABLE`.
      train_embeddings, train_norms: whether these are trained, too.
    """

    rank: int
    alpha: float
    dropout: float = 0.0
    targets: tuple[str, ...] = ADAPTABLE
    train_embeddings: bool = False
    train_norms: bool = False

    def __post_init__(self) -> None:
        if unknown := set(self.targets) - set(ADAPTABLE):
            raise BadUsage(
                f"LoRA: {sorted(unknown)[0]!r} is no linear map of a block: choose of "
                f"{', '.join(ADAPTABLE)}"
            )
        if self.rank < 1:
            raise BadUsage(f"LoRA: rank ({self.rank}) must be 1 or more")


@dataclasses.dataclass(frozen=True)
class RotaryConfig:
    """Rotary positions (Su et al. 2021).

    Attributes:
      theta: the base of the wavelengths.
      kind: "plain"; "linear", which divides positions by `factor`; or "llama3", which divides those
        waves by `factor` that are longer than `trained_length / low`, leaves those alone that are
        shorter than `trained_length / high`, and blends between.
    """

    theta: float = 10_000.0
    kind: str = "plain"
    factor: float = 1.0
    low: float = 1.0
    high: float = 4.0
    trained_length: int = 8192

    def __post_init__(self) -> None:
        if self.kind not in ("plain", "linear", "llama3"):
            raise BadUsage(f"rotary positions of kind {self.kind!r} are not built")


@dataclasses.dataclass(frozen=True)
class LanguageConfig:
    """A decoder-only language model in the Llama, Mistral or Gemma form.

    Attributes:
      vocabulary: V, rows of the embedding.
      width: D, of the residual stream.
      layers: any number.
      heads: H, of the queries.
      kv_heads: Hk, of keys and values; each serves heads / kv_heads heads of the queries.
      head_dim: K. Not D / H in some published models.
      hidden: width between the two maps of the feed-forward.
      activation: a name in `ACTIVATIONS_BY_NAME`, of the gate.
      norm_epsilon: of the norms.
      norm_offset: a norm multiplies by this plus its scale: 1 in Gemma, else 0.
      embed_scale: embeddings are multiplied by it: sqrt(D) in Gemma, else 1.
      rotary: the positions.
      qkv_bias: whether queries, keys and values have a bias (Qwen2).
      tied: the head is the embedding, transposed.
      window: a position sees so many at most, itself included, as Mistral counts; None: all.
      bidirectional: a position sees later ones, too (LLM2Vec), within the same distance.
      shift_group: positions of a group of shifted sparse attention, in a `sparse` model.
      dropout: rate, of what each part of a block adds.
      lora: adapters; None: none.
      dtype: a name in `DTYPES`, the compute dtype; parameters are float32.
      remat: a name in `scan.REMAT`, what the backward pass finds saved.
      attention_block: keys that attention reads at once.

    Raises:
      BadUsage: sizes that do not fit one another, or a name that is not known.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    activation: str = "silu"
    norm_epsilon: float = 1e-6
    norm_offset: float = 0.0
    embed_scale: float = 1.0
    rotary: RotaryConfig = RotaryConfig()
    qkv_bias: bool = False
    tied: bool = False
    window: int | None = None
    bidirectional: bool = False
    shift_group: int = 128
    dropout: float = 0.0
    lora: LoraConfig | None = None
    dtype: str = "float32"
    remat: str = "attention"
    attention_block: int = 512

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise BadUsage(
                f"language model: heads ({self.heads}) must be a multiple of kv_heads "
                f"({self.kv_heads})"
            )
        if self.head_dim % 2:
            raise BadUsage(f"language model: head_dim ({self.head_dim}) must be even")
        if self.activation not in ACTIVATIONS_BY_NAME:
            raise BadUsage(
                f"language model: activation {self.activation!r} is not known: choose one of "
                f"{', '.join(ACTIVATIONS_BY_NAME)}"
            )

    @classmethod
    def of_sizes(cls, sizes, vocabulary: int, **others) -> "LanguageConfig":
        """Of config fields that name the sizes, with heads that share the width evenly.

        Args:
          sizes: has width, layers, heads, kv_heads and hidden.
        """
        return cls(
            vocabulary=vocabulary,
            width=sizes.width,
            layers=sizes.layers,
            heads=sizes.heads,
            kv_heads=sizes.kv_heads,
            head_dim=sizes.width // sizes.heads,
            hidden=sizes.hidden,
            **others,
        )

    @property
    def jnp_dtype(self) -> jnp.dtype:
        return DTYPES[self.dtype]


@dataclasses.dataclass(frozen=True)
class BertConfig:
    """An encoder in the BERT form: learned absolute positions, a norm after each addition.

    Attributes:
      vocabulary: V, rows of the embedding.
      width: D. heads: H. layers: any number. hidden: width within the feed-forward.
      max_length: positions that have an embedding.
      token_types: rows of the table of token types.
      activation: a name in `ACTIVATIONS_BY_NAME`.
      norm_epsilon: of the norms.
      dropout, dtype, remat, attention_block: as in `LanguageConfig`.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int
    max_length: int = 512
    token_types: int = 2
    activation: str = "gelu"
    norm_epsilon: float = 1e-12
    dropout: float = 0.0
    dtype: str = "float32"
    remat: str = "attention"
    attention_block: int = 512

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise BadUsage(f"BERT: width ({self.width}) must be a multiple of heads ({self.heads})")
        if self.activation not in ACTIVATIONS_BY_NAME:
            raise BadUsage(
                f"BERT: activation {self.activation!r} is not known: choose one of "
                f"{', '.join(ACTIVATIONS_BY_NAME)}"
            )

    @property
    def jnp_dtype(self) -> jnp.dtype:
        return DTYPES[self.dtype]
