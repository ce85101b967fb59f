"""The configuration fields of pre-training on documents with their defaults, and its presets.

They are added to those of the engine (`base.py`) and of what reads pages (`document_page.py`). A
stage file starts from `document.make(preset)` and states only what differs. Select a preset after a
colon: `--config=configs/document_pretrain.py:tiny`. The result is locked: a misspelled field is
refused.
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
    config.task = "document"
    # What is trained: names in tasks/document/objectives.py. "mlm" tells hidden words, "mim" the
    # codes of hidden patches, "mim_cls" the same with CLS's help (BEiT v2's CLS aggregation), "wpa"
    # of words whether their patches are hidden; "pairs" lets pictures and texts of pages find one
    # another; "tokenizer" trains the image tokenizer that makes the codes.
    config.objectives = "mlm,mim,wpa"

    # What "mim" tells of hidden patches: "codes" of the image tokenizer, or "features" of CLIP.
    config.target = "codes"
    # A folder of a published CLIP model or its image side (config.json, model.safetensors), whose
    # features are told where `target` or `tokenizer.target` is "features". It is never trained.
    config.clip = ""

    config.mask = mask = ConfigDict()
    # Share of a page's tokens that is hidden, in spans of words.
    mask.words = 0.3
    # Mean length of a span in words (Poisson).
    mask.span = 3.0
    # Share of a page's patches that is hidden, in blocks.
    mask.patches = 0.4

    # Layers of the head of "mim_cls", above the vision encoder.
    config.model.cls_layers = 2

    config.tokenizer = tokenizer = ConfigDict()
    # Width of the image tokenizer.
    tokenizer.width = 384
    # Its attention heads.
    tokenizer.heads = 6
    # Its layers before the codes.
    tokenizer.layers = 6
    # Its layers behind them.
    tokenizer.decoder_layers = 2
    # Entries of the codebook.
    tokenizer.codes = 8192
    # What is told through the codes: "pixels", or "features" of CLIP (BEiT v2's distillation).
    tokenizer.target = "pixels"
    # Width of an entry.
    tokenizer.code_width = 32

    # The group of the image tokenizer, where it is trained.
    config.optim.groups.tokenizer = base.group(lr=1e-4)
    # What no gradient moves: the codebook, and an image tokenizer that is not trained.
    config.optim.groups.still = base.group(lr=0.0)

    config.loss = loss = ConfigDict()
    # Weight of hidden words.
    loss.mlm = 1.0
    # Weight of hidden patches.
    loss.mim = 1.0
    # Weight of hidden patches that CLS tells.
    loss.mim_cls = 1.0
    # Weight of the alignment of words and patches.
    loss.wpa = 1.0
    # Weight of pages' pictures and texts that find one another.
    loss.pairs = 1.0
    # Weight of the image tokenizer.
    loss.tokenizer = 1.0
    return config


def tiny(config: ConfigDict) -> None:
    """For the demo and for tests: two CPU cores, float32 throughout."""
    document_page.tiny(config)
    config.tokenizer.width, config.tokenizer.heads = 64, 2
    config.tokenizer.layers, config.tokenizer.decoder_layers = 2, 1
    config.tokenizer.codes, config.tokenizer.code_width = 256, 16
    config.optim.groups.tokenizer.lr = 1e-3


PRESETS = document_page.PRESETS | {"tiny": tiny}
