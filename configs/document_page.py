"""The configuration fields of what reads a page, with their defaults, and their presets (sizes).

Every file of the document family has them: `document.py` adds those of pre-training,
`document_answers.py` those of answering questions.
"""

from ml_collections import ConfigDict

from configs import base


def defaults() -> ConfigDict:
    config = base.defaults()
    # The tokenizer of words, a tokenizer.json; the checkpoint keeps it. "" takes the one that
    # data_prep.build made with the shards.
    config.data.tokenizer = ""

    config.image = image = ConfigDict()
    # Height in pixels of the canvas that a page is fitted into.
    image.height = 1024
    # Width in pixels of that canvas.
    image.width = 1024

    config.model = model = ConfigDict()
    # Side of a square patch in pixels.
    model.patch = 16
    # How patches become vectors: "linear"; "shifted" looks into neighbors, which "mim" forbids.
    model.patch_embed = "linear"
    # Width of every residual stream.
    model.width = 768
    # Attention heads; the width must be a multiple of them.
    model.heads = 12
    # Width of a feed-forward layer, as a multiple of the residual width.
    model.mlp_ratio = 4
    # Layers of the vision encoder: a multiple of 4.
    model.vision_layers = 12
    # A folder of published weights (BEiT, CLIP's image side: config.json, model.safetensors) that
    # the vision encoder begins with; it says the form of the encoder, so that of the fields below
    # only `drop_path` counts. "": none.
    model.pretrained_vision = ""
    # Places of patches: "rows_columns" (a table of rows and one of columns), "table" (a vector for
    # each place, as a plain ViT has it), "none".
    model.positions = "rows_columns"
    # What attention of the vision encoder gets by how two patches lie to one another: "none", "own"
    # (a table for each layer) or "shared" (one for all).
    model.relative_positions = "none"
    # Activation of the vision encoder's feed-forward layers: "gelu_pytorch_tanh", "gelu" (exact), …
    model.activation = "gelu_pytorch_tanh"
    # Whether keys of the vision encoder's attention have a bias; BEiT's have none.
    model.key_bias = True
    # Epsilon of the vision encoder's layer norms.
    model.norm_epsilon = 1e-6
    # What the learned scales of the vision encoder's residual branches start at; 0: no scales.
    model.layer_scale = 0.0
    # Share of samples whose residual branches the vision encoder's last layer leaves out in
    # training, the first none, and those between accordingly.
    model.drop_path = 0.0
    # Standard deviation of the vision encoder's initial kernels; 0: by their number of inputs.
    model.init_std = 0.0
    # Whether its initial kernels that end a residual branch are divided by sqrt(2 * layer).
    model.depth_init = False
    # What makes vectors of words: a name in tasks/document/text.py. "pieces" are embeddings,
    # "language" is a language model, which a run of document_text.py may give.
    model.text = "pieces"
    # Pieces of words a page may hold; of a longer one the first are read.
    model.max_tokens = 512
    # Layers of words and patches together, with a feed-forward for each modality.
    model.multiway_layers = 4
    # Layers above them with one feed-forward for both.
    model.joint_layers = 2
    # Frequencies of the Fourier encoding of boxes.
    model.box_features = 64
    # Channels of the bias that attention gets from boxes, per head; 0: no such bias.
    model.box_channels = 8
    # Dropout rate of residual branches.
    model.dropout = 0.1
    # Type of computation; parameters and reductions stay float32.
    model.dtype = "bfloat16"
    # What a layer keeps for the backward pass: "full", "attention", "dots" or "none".
    model.remat = "attention"
    # Keys that one step of blockwise attention looks at.
    model.attention_block = 512

    config.language = language = ConfigDict()
    # Width of the language model that reads words where config.model.text is "language".
    language.width = 768
    # Its layers.
    language.layers = 12
    # Its heads of queries; the width must be a multiple of them.
    language.heads = 12
    # Its heads of keys and values.
    language.kv_heads = 12
    # Width within its feed-forward.
    language.hidden = 2048

    # The group of the vision encoder.
    config.optim.groups.vision = base.group(lr=1e-4)
    # The group of everything else.
    config.optim.groups.rest = base.group(lr=1e-4)
    return config


def tiny(config: ConfigDict) -> None:
    """For the demo and for tests: two CPU cores, float32 throughout."""
    config.total_steps = 200
    config.batch_size = 8
    config.checkpoint_every = 100
    config.eval_every = 100
    config.eval_batches = 1
    config.log_every = 10
    config.data.num_threads = 2
    config.data.prefetch = 2
    config.image.height = config.image.width = 192
    config.model.patch = 16
    config.model.width, config.model.heads = 128, 2
    config.model.vision_layers = 4
    config.model.max_tokens = 160
    config.model.multiway_layers, config.model.joint_layers = 2, 1
    config.model.box_features = 32
    config.model.dtype = "float32"
    config.model.dropout = 0.0
    config.language.update(width=128, layers=2, heads=4, kv_heads=2, hidden=256)
    for name in ("vision", "rest"):
        config.optim.groups[name].lr = 1e-3
    config.optim.warmup_steps = 20
    config.optim.ema_decay = 0.0


def small(config: ConfigDict) -> None:
    """For one GPU."""
    config.batch_size = 64
    config.image.height = config.image.width = 512
    config.model.width, config.model.heads = 384, 6
    config.language.update(width=384, heads=6, kv_heads=6, hidden=1024)


def as_defaults(config: ConfigDict) -> None:
    """Base, for TPU slices and H200s: nothing differs from `defaults`."""


def large(config: ConfigDict) -> None:
    """24 layers of 1024, for TPU slices."""
    config.model.width, config.model.heads = 1024, 16
    config.language.update(width=1024, layers=24, heads=16, kv_heads=16, hidden=2816)
    config.model.vision_layers = 24
    config.model.multiway_layers, config.model.joint_layers = 6, 3


PRESETS = {"tiny": tiny, "small": small, "base": as_defaults, "large": large}
