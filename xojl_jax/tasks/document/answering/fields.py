"""What the config fields of answers may hold (configs/document_answers.py). A test compares the
two."""

from xojl_jax.config_fields import ANY, Number, OneOf, Rule, SomeOf
from xojl_jax.nn.low_rank import INPUT_AXES
from xojl_jax.tasks.buckets import MOST
from xojl_jax.tasks.document.answering.features import INPUTS
from xojl_jax.tasks.document.answering.losses import TOKEN_WEIGHTS
from xojl_jax.tasks.document.answering.prompt import PROMPT_ENCODERS
from xojl_jax.tasks.document.answering.shots import MOST_SHOTS
from xojl_jax.tasks.document.fields import PAGE_FIELDS

_COUNT = Number(1)

FIELDS: dict[str, Rule] = {
    **PAGE_FIELDS,
    "data.buckets": Number(1, most=MOST),
    "data.bucket_shapes": ANY,  # read by `buckets.parse_shapes`
    "inputs": SomeOf(INPUTS, fewest=1),
    "model.decoder_layers": _COUNT,
    "answer.max_length": Number(8, most=1 << 14),
    "answer.bins": Number(2, most=1 << 14),
    "answer.max_columns": Number(1, most=1000),
    "answer.token_weights": OneOf(TOKEN_WEIGHTS),
    "prompt.encoder": OneOf(PROMPT_ENCODERS),
    "prompt.pretrained": ANY,  # a folder, read by pretrained/bert.py
    "prompt.max_tokens": Number(1, most=1 << 12),
    "prompt.shots": Number(0, most=MOST_SHOTS),
    "prompt.width": _COUNT,
    "prompt.layers": _COUNT,
    "prompt.heads": _COUNT,
    "lora.rank": Number(0),
    "lora.alpha": Number(0),
    "lora.targets": SomeOf(INPUT_AXES, fewest=1),
    "loss.*": Number(0),
}
