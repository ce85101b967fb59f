"""The configuration fields of answering questions about pages, with their defaults and presets.

They are added to those of the engine (`base.py`) and of what reads pages (`document_page.py`).
"""

from ml_collections import ConfigDict

from configs import base, document_page


def make(preset: str = "base") -> ConfigDict:
    """Returns the defaults with one preset applied: `tiny`, `small`, `base` or `large` ("" means
    `base`)."""
    return base.choose_preset(defaults(), preset, PRESETS)


def defaults() -> ConfigDict:
    config = document_page.defaults()
    # A name in xojl_jax/tasks/__init__.py.
    config.task = "document_answers"
    # What the model reads: some of "picture", "words", "boxes", "prompt". What is left out shows
    # what it is worth.
    config.inputs = "picture,words,boxes,prompt"

    # Batches come in at most so many buckets of static shapes, chosen from the sizes of the
    # training questions (docs/buckets.md); 1: every batch has the full size.
    config.data.buckets = 1
    # The buckets themselves, TOKENSxANSWER with commas between, such as "160x16"; the full size is
    # always one of them.
    config.data.bucket_shapes = ""

    # Layers of the decoder that writes answers.
    config.model.decoder_layers = 6

    config.answer = answer = ConfigDict()
    # Tokens that an answer may have; a question whose answer is longer is not trained on.
    answer.max_length = 256
    # Numbers that the coordinates of boxes are rounded to.
    answer.bins = 1000
    # Columns that a table may have.
    answer.max_columns = 32
    # What a token counts in the loss: "equal" (long answers count more), "answer" (every answer
    # counts as much as any other), "root" (between the two).
    answer.token_weights = "equal"

    config.prompt = prompt = ConfigDict()
    # What reads prompts: "pieces" (an encoder of the page's word pieces, from scratch), "published"
    # (a sentence encoder of the BERT form), or "none".
    prompt.encoder = "pieces"
    # The folder of "published" (config.json, model.safetensors, tokenizer.json), such as
    # all-MiniLM-L6-v2. It says the sizes.
    prompt.pretrained = ""
    # Tokens of a prompt; of a longer one the first are read.
    prompt.max_tokens = 64
    # Before a training prompt come from 0 to so many examples, other questions of its kind with
    # their answers as text; those that there is no room for are dropped. About 20 tokens each.
    prompt.shots = 0
    # Width of the encoder "pieces".
    prompt.width = 384
    # Its layers.
    prompt.layers = 6
    # Its attention heads.
    prompt.heads = 12

    config.lora = lora = ConfigDict()
    # Rank of the adapters that are trained in place of the page's encoders; 0: all of them are
    # trained.
    lora.rank = 0
    # What the adapters add is multiplied by alpha / rank.
    lora.alpha = 16.0
    # The linear maps that get one: some of "query", "key", "value", "out", "up", "down".
    lora.targets = "query,value"

    # The group of the encoder of prompts.
    config.optim.groups.prompt = base.group(lr=1e-4)
    # The group of what writes answers.
    config.optim.groups.decoder = base.group(lr=1e-4)
    # What no gradient moves: encoders that have adapters.
    config.optim.groups.still = base.group(lr=0.0)

    config.loss = loss = ConfigDict()
    # Weight of the text and the structure of answers.
    loss.text = 1.0
    # Weight of their boxes.
    loss.boxes = 1.0
    return config


def tiny(config: ConfigDict) -> None:
    """For the demo and for tests: two CPU cores, float32 throughout."""
    document_page.tiny(config)
    config.model.decoder_layers = 2
    config.answer.max_length = 128
    config.answer.bins = 128
    config.answer.max_columns = 12
    config.prompt.max_tokens = 32
    config.prompt.width, config.prompt.layers, config.prompt.heads = 64, 2, 2
    for name in ("prompt", "decoder"):
        config.optim.groups[name].lr = 1e-3


PRESETS = document_page.PRESETS | {"tiny": tiny}
