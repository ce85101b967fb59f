"""What the text task's config fields may hold (configs/text.py). A test compares the two."""

from xojl_jax.config_fields import ANY, Number, OneOf, Rule, SomeOf
from xojl_jax.nn.config import DTYPES
from xojl_jax.nn.scan import REMAT
from xojl_jax.nn.text.config import ADAPTABLE
from xojl_jax.nn.text.pooling import POOLINGS

OBJECTIVES = {
    "mntp": "the state before a masked token predicts it",
    "simcse": "two passes over a text find one another in the batch",
}

_COUNT = Number(1)
_FROM_ZERO = Number(0)
_RATE = Number(0, below=1)

FIELDS: dict[str, Rule] = {
    "objective": OneOf(OBJECTIVES),
    "data.tokenizer": ANY,  # a file, read by `WordPieces.load`
    "data.length": Number(4),
    "data.mask_share": Number(0, most=1),
    "model.pretrained": ANY,  # a folder, read by `WeightsFolder`
    "model.width": _COUNT,
    "model.layers": _COUNT,
    "model.heads": _COUNT,
    "model.kv_heads": _COUNT,
    "model.hidden": _COUNT,
    "model.vocabulary": _FROM_ZERO,
    "model.bidirectional": ANY,
    "model.shift_group": _FROM_ZERO,
    "model.dropout": _RATE,
    "model.dtype": OneOf(DTYPES),
    "model.remat": OneOf(REMAT),
    "lora.rank": _FROM_ZERO,
    "lora.alpha": _FROM_ZERO,
    "lora.dropout": _RATE,
    "lora.targets": SomeOf(ADAPTABLE, fewest=1),
    "lora.embeddings": ANY,
    "lora.norms": ANY,
    "simcse.pooling": OneOf(POOLINGS),
    "simcse.temperature": Number(1e-3),
}
