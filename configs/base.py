"""Every configuration field with its default, and the presets (sizes).

A stage file starts from `base.make(preset)` and states only what differs. Select a preset after a
colon: `--config=configs/stage4.py:tiny`. Override a field with `--config.batch_size=8`,
`--config.model.width=256`. The result is locked: a misspelt field is refused.
"""

from ml_collections import ConfigDict

from xojl_jax.errors import BadUsage


def make(preset: str = "base") -> ConfigDict:
    """Returns the defaults with one preset applied: `tiny`, `small` or `base` ("" means `base`)."""
    config = defaults()
    preset = preset or "base"
    if preset not in PRESETS:
        raise BadUsage(
            f"there is no preset {preset!r}: choose one of {', '.join(sorted(PRESETS))}, "
            "as in --config=configs/stage4.py:tiny"
        )
    config.preset = preset
    PRESETS[preset](config)
    return config.lock()


def defaults() -> ConfigDict:
    config = ConfigDict()

    # The task that is trained (a package in xojl_jax/tasks).
    config.task = "layout"
    # Stage 1 to 4: which losses and which subtrees of the model take part. Set by the stage files.
    config.stage = 4
    # The name of the preset. Set by `make`, and used to name the default working directory.
    config.preset = "base"

    # Seed of initialisation, dropout and the order of samples.
    config.seed = 0
    # Optimiser steps of the whole run.
    config.total_steps = 100_000
    # Samples a step, over all devices and hosts together.
    config.batch_size = 256
    # Steps between two checkpoints. The last step is always saved.
    config.checkpoint_every = 1000
    # How many checkpoints are kept; an older one goes only after the newer one is durable.
    config.keep = 3
    # Steps between two evaluations on the validation split; 0 evaluates only at the end.
    config.eval_every = 1000
    # Batches of one evaluation.
    config.eval_batches = 16
    # Validation records whose predictions are drawn at each evaluation, for TensorBoard (stage 4).
    config.eval_pictures = 4
    # Whether each evaluation writes a histogram of every parameter, too.
    config.histograms = False
    # What makes an evaluation the best: the lowest "loss" or "loss/NAME", or the highest of
    # anything else ("accuracy/detail"). Its checkpoint is kept: WORKDIR/best. "" keeps none.
    config.best_metric = "loss"
    # Evaluations in a row that are no better after which the run ends; 0 trains to the end.
    config.patience = 0
    # Steps between two printed lines. Metrics stay on the device in between.
    config.log_every = 50
    # Working directories or checkpoints to start from, separated by commas. Parameters are copied
    # where their path and shape match; the rest starts from scratch. "" starts all from scratch.
    config.init_from = ""
    # Steps in a row with a non-finite loss or gradient after which the run is given up.
    config.on_nonfinite_limit = 20
    # What resuming does with a damaged checkpoint: "stop", or "fallback" to the newest sound one.
    config.on_corrupt = "stop"

    config.data = data = ConfigDict()
    # A folder of shards made by `python -m data_prep.build`; "" is the sample data we ship.
    data.path = ""
    # Threads that read and decode samples, in each process.
    data.num_threads = 16
    # Batches made ahead of time.
    data.prefetch = 4
    # How far training evens out categories and elements: each record is drawn in proportion to its
    # rarity to this power. 0 draws all alike, 1 draws what is ten times as rare ten times as often.
    data.balance = 0.0
    # Training pictures are turned by up to so many degrees either way, boxes with them.
    data.rotate = 2.0
    # The share of training pictures that is turned.
    data.rotate_share = 0.5
    # Probability that a training sample loses its HTML tree (never both HTML and image).
    data.drop_html = 0.1
    # Probability that a training sample loses its screenshot.
    data.drop_image = 0.1
    # Probability that a training sample loses the boxes of its HTML nodes.
    data.drop_boxes = 0.5

    config.image = image = ConfigDict()
    # Height and width in pixels of the canvas that a screenshot is fitted into.
    image.height = 720
    image.width = 1280
    # Sharpen text before a screenshot is shrunk to between 0.6 and 1 of its size (docs/images.md).
    image.sharpen = True

    config.model = model = ConfigDict()
    # Side of a square patch in pixels.
    model.patch = 16
    # Width of every residual stream.
    model.width = 768
    # Attention heads; the width must be a multiple of them.
    model.heads = 12
    # Layers of the vision encoder: a multiple of 4, since taps leave after every quarter.
    model.vision_layers = 12
    # Layers of the HTML tree encoder.
    model.html_layers = 4
    # What an HTML node is, as vectors that are added up: names in embeddings.py.
    model.embeddings = "compositional,tag,content"
    # Where an HTML node is, as vectors that are added up: names in node_positions.py.
    model.positions = "depth_first,breadth_first,parent,depth,child,path,boxes"
    # How HTML tokens and visual tokens come to know each other: a name in fusion.py.
    model.fusion = "late"
    # Layers in which HTML tokens and visual tokens attend to each other.
    model.fusion_layers = 2
    # Layers of the decoder.
    model.decoder_layers = 6
    # Width of a feed-forward layer, as a multiple of the residual width.
    model.mlp_ratio = 4
    # HTML nodes a sample may hold.
    model.max_nodes = 1024
    # Classes an HTML node may hold.
    model.max_classes = 32
    # Tokens a target sequence may hold, the end token included.
    model.max_target = 2048
    # The decoder attends to a visual grid that is coarser by this factor on each side (1, 2, 4).
    model.memory_stride = 2
    # Dropout rate of residual branches.
    model.dropout = 0.1
    # Type of computation; parameters and reductions stay float32.
    model.dtype = "bfloat16"
    # What a layer keeps for the backward pass: "full" recomputes all of it, "attention" all but
    # attention, "dots" keeps every matrix product, "none" keeps everything.
    model.remat = "attention"
    # Shifts of the patch embedding: "axis4", "diag4" or "all8".
    model.shifts = "axis4"
    # Keys that one step of blockwise attention looks at.
    model.attention_block = 512

    config.optim = optim = ConfigDict()
    # Peak learning rate of the vision encoder.
    optim.lr_vision = 1e-4
    # Peak learning rate of the HTML encoder.
    optim.lr_html = 5e-4
    # Peak learning rate of everything else.
    optim.lr_rest = 5e-4
    # Steps of linear warm-up; after them the rate follows a cosine down to zero at `total_steps`.
    optim.warmup_steps = 2000
    # Freezes the vision encoder from this step on; 0 never does.
    optim.freeze_vision_at = 0
    # Freezes the HTML encoder from this step on; 0 never does.
    optim.freeze_html_at = 0
    # Decoupled weight decay; biases, norm scales and other vectors are exempt.
    optim.weight_decay = 0.05
    # Decay of AdamW's first moment.
    optim.b1 = 0.9
    # Decay of AdamW's second moment.
    optim.b2 = 0.98
    # Gradients are scaled down to this global norm; 0 leaves them alone.
    optim.clip_norm = 1.0
    # Micro-batches a step is split into; their gradients are averaged.
    optim.accumulate = 1
    # Decay of the running average of parameters that evaluation uses; 0 keeps none.
    optim.ema_decay = 0.999
    # Probability mass that the token losses spread over wrong tokens.
    optim.label_smoothing = 0.1

    # Predictions beside the sequence: names in heads.py, in the order in which they are computed. A
    # stage trains those whose inputs its encoders compute.
    config.heads = "node,category,element,aux,contrastive,spatial"

    config.loss = loss = ConfigDict()
    # Weight of the detail sequence.
    loss.detail = 0.4
    # Weight of the semantic sequence.
    loss.semantic = 0.3
    # Weight of the multi-label element classifier.
    loss.element = 0.1
    # Weight of the per-node element classifier on HTML tokens.
    loss.node = 0.5
    # Weight of the section category.
    loss.category = 0.1
    # Weight of the auxiliary loss: which elements cover each patch.
    loss.aux = 0.3
    # Weight of the contrastive loss between regions of the image and HTML nodes.
    loss.contrastive = 0.1
    # Weight of the loss on where the spatial attention looks.
    loss.spatial = 0.05

    config.mesh = mesh = ConfigDict()
    # Devices along the batch; -1 takes what the other two leave.
    mesh.data = -1
    # Devices that parameters and optimiser state are spread over (the batch is split here too).
    mesh.fsdp = 1
    # Devices that heads and feed-forward layers are spread over.
    mesh.tensor = 1
    return config


def tiny(config: ConfigDict) -> None:
    """For the demo and for tests: two CPU cores, float32 throughout."""
    config.total_steps = 200
    config.batch_size = 8
    config.checkpoint_every = 100
    config.eval_every = 100
    config.eval_batches = 4
    config.eval_pictures = 2
    config.log_every = 10
    config.data.num_threads = 2
    config.data.prefetch = 2
    config.image.height, config.image.width = 384, 512
    config.model.patch = 32
    config.model.width, config.model.heads = 128, 2
    config.model.vision_layers = 4
    config.model.html_layers = config.model.decoder_layers = 2
    config.model.fusion_layers = 1
    config.model.max_nodes, config.model.max_target = 128, 256
    config.model.max_classes = 16
    config.model.memory_stride = 1
    config.model.dtype = "float32"
    config.model.dropout = 0.0
    config.optim.lr_vision = 5e-4
    config.optim.lr_html = config.optim.lr_rest = 1e-3
    config.optim.warmup_steps = 20
    config.optim.ema_decay = 0.0
    config.optim.label_smoothing = 0.0


def small(config: ConfigDict) -> None:
    """For one GPU."""
    config.batch_size = 64
    config.image.height, config.image.width = 768, 1024
    config.model.width, config.model.heads = 384, 6
    config.model.html_layers = config.model.decoder_layers = 4
    config.model.max_nodes, config.model.max_target = 512, 1024


def base(config: ConfigDict) -> None:
    """For TPU slices and H200s: the defaults as they stand."""


PRESETS = {"tiny": tiny, "small": small, "base": base}
