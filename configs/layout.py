"""The layout task's configuration fields with their defaults, and its presets (sizes).

They are added to those of the engine (`base.py`). A stage file starts from `layout.make(preset)`
and states only what differs. Select a preset after a colon: `--config=configs/stage4.py:tiny`.
Override a field with `--config.model.width=256`. The result is locked: a misspelled field is
refused.
"""

from ml_collections import ConfigDict

from configs import base


def make(preset: str = "base") -> ConfigDict:
    """Returns the defaults with one preset applied: `tiny`, `small` or `base` ("" means `base`)."""
    return base.choose_preset(defaults(), preset, PRESETS)


def defaults() -> ConfigDict:
    config = base.defaults()
    # A name in xojl_jax/tasks/__init__.py.
    config.task = "layout"
    # Stage 1 to 4: which encoders run, and whether the decoder does (stages.py). Set by the stage
    # files.
    config.stage = 4

    data = config.data
    # Batches come in at most so many buckets of static shapes, chosen from the sizes of the
    # training records (docs/buckets.md); 1: every batch has the full size.
    data.buckets = 1
    # The buckets themselves, ROWSxNODESxCLASSESxTOKENS with commas between, such as "28x64x8x128";
    # the full size is always added. "" chooses them.
    data.bucket_shapes = ""
    # A codebook of your own, a TOML file (docs/record.md) such as `data_prep.validate
    # --write-codebook` makes; the checkpoint keeps it. "" takes the shipped one.
    data.codebook = ""
    # The tokenizer of class strings that the embedding "bpe" needs: a tokenizer.json, such as
    # `data_prep.validate --write-tokenizer` makes; the checkpoint keeps it.
    data.class_tokenizer = ""
    # How far training evens out categories and elements: each record is drawn in proportion to its
    # rarity to this power. 0 draws all alike, 1 draws what is ten times as rare ten times as often.
    data.balance = 0.0
    # Training pictures are turned by up to so many degrees either way, boxes with them.
    data.rotate = 2.0
    # The share of training pictures that is turned.
    data.rotate_share = 0.5
    # Probability that a training sample loses its HTML tree (never both HTML and image). Labels
    # stay, here and below: what is dropped is input.
    data.drop_html = 0.1
    # Probability that a training sample loses its screenshot.
    data.drop_image = 0.1
    # Probability that the HTML encoder reads no boxes of a training sample.
    data.drop_boxes = 0.5
    # Probability that the HTML encoder does not see a class of a training sample, drawn for each:
    # against learning makers' habits by heart (docs/other_makers.md).
    data.drop_classes = 0.0
    # Probability that it does not see the tag of a node.
    data.drop_tags = 0.0

    # Probability that a training sample tells some of its elements as class hints, so that prefix
    # tokens of other classes are masked; predict then takes --hints. 0: the model takes no hints.
    data.hints = 0.0
    # Nodes of a label whose `layout_confidence` (docs/record.md) is below this carry no loss: 0.8,
    # say, of labels that a model gave (docs/self_training.md). 0: all nodes count.
    data.least_confidence = 0.0

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
    # What an HTML node is, as vectors that are added up: names in embeddings.py. Of its classes:
    # "compositional" (by their fields), "hash" (by hashes of the strings) or "bpe" (by pieces). Of
    # those around it: "inside" (what its subtree holds), "inherited" (its type beside theirs).
    model.embeddings = "compositional,tag,content,inside,inherited"
    # How the parts of a class, and the classes of a node, become one vector: "attention" or "sum".
    model.class_composition = "attention"
    # Whether attention between HTML nodes is biased by how they are related in the tree.
    model.tree_bias = True
    # Whether a prefix token for each element class precedes the HTML nodes, too; class hints mask
    # them as they mask those of the screenshot.
    model.html_prefixes = False
    # Where an HTML node is, as vectors that are added up: names in node_positions.py; "" for none.
    # "relative_boxes" tells its box beside its parent's and siblings' boxes.
    model.positions = "depth_first,breadth_first,parent,depth,child,path,boxes,relative_boxes"
    # How HTML tokens and visual tokens exchange information, a name in fusion.py: "late" (through
    # cross-attention), "mixture" (joint attention, parameters by modality), "early" (HTML runs
    # through the vision encoder), "aligned" (by boxes, without attention) or "coarse_to_fine" (as
    # "late", each layer at twice the resolution of the one before).
    model.fusion = "late"
    # Layers in which HTML tokens and visual tokens attend to each other.
    model.fusion_layers = 2
    # Of "late": with "boxes", a node whose box was given and the patches in it read each other and
    # no others; with "all", all do.
    model.fusion_pairs = "all"
    # Of "late": whether what is read of HTML and of the screenshot is weighted by how much each
    # says. An answer then tells the weights.
    model.fusion_weights = False
    # Whether the semantic and the detail view run through one decoder: "shared", or "separate".
    model.decoder = "shared"
    # Layers of the decoder.
    model.decoder_layers = 6
    # Earlier positions that one of the decoder sees, such as 512; 0: all of them.
    model.decoder_window = 0
    # Beyond that window, so many keys of the highest scores are seen, too, such as 64; 0: none.
    model.decoder_top_k = 0
    # … selected in blocks of so many neighbors, such as 16, by the mean key of each (MoBA): of what
    # is beyond the window, only these are read. 1: each key by its own score, so that all are read.
    model.decoder_key_block = 1
    # Whether the decoder's attention is biased, per head, by how two positions are related in the
    # tree that it writes: same node, parent, child, sibling. It takes heads x max_target² numbers
    # a row of memory.
    model.decoder_tree_bias = False
    # How sure a layer of the decoder must be, such as 0.85, for decoding to leave later ones out
    # (early exit); each layer is then trained to write, and to know how sure it is. 0: no exits.
    model.exit_at = 0.0
    # Width of a feed-forward layer, as a multiple of the residual width.
    model.mlp_ratio = 4
    # Width of a head; 0: width / heads. With fewer heads than that, blocks are pruned ones.
    model.head_width = 0
    # Hidden width of a feed-forward layer; 0: what mlp_ratio says.
    model.mlp_width = 0
    # HTML nodes a sample may hold.
    model.max_nodes = 1024
    # Classes an HTML node may hold.
    model.max_classes = 32
    # Tokens a target sequence may hold, the end token included.
    model.max_target = 2048
    # Where the visual grid comes from that the decoder reads: a feature "pyramid" of the vision
    # encoder's layers, or the "last" of them alone.
    model.visual_memory = "pyramid"
    # The decoder attends to a visual grid that is coarser by this factor on each side (1, 2, 4).
    model.memory_stride = 2
    # Dropout rate of residual branches.
    model.dropout = 0.1
    # Type of computation; parameters and reductions stay float32.
    model.dtype = "bfloat16"
    # What a layer keeps for the backward pass: "full" recomputes all of it, "attention" all but
    # attention, "dots" keeps every matrix product, "none" keeps everything.
    model.remat = "attention"
    # How patches become vectors: "shifted" (with copies of the image, shifted), "linear", or
    # "progressive" (at three scales: twice the patch, the patch, and half of it where it matters).
    model.patch_embed = "shifted"
    # Feed-forward of every layer: a name in xojl_jax/nn/feed_forward.py.
    model.feed_forward = "mlp"
    # Regions of 2 x 2 patches that the "progressive" patch embedding reads at the finest scale.
    model.fine_regions = 64
    # Shifts of the "shifted" patch embedding: "axis4", "diag4" or "all8".
    model.shifts = "axis4"
    # Locality self-attention in the vision encoder: whether each head learns its temperature.
    model.lsa_temperature = True
    # … whether a token does not attend to itself.
    model.lsa_exclude_self = True
    # … patches before and after, in reading order, that a patch attends to; 0: all.
    model.lsa_window = 0
    # What is added to the vision encoder's scores between classes of prefix tokens and patches:
    # "none", "learned" (per head) or "fixed" (patches and prefixes attend to each other more).
    model.class_bias = "none"
    # Steps over which the vision encoder's attention grows from a patch's neighborhood to the whole
    # picture (attention warm-up), in training alone; 0: it sees all from the start.
    model.attention_warmup = 0
    # Share of patches that training leaves out of the vision encoder, each step others.
    model.patch_drop = 0.0
    # Keys that one step of blockwise attention looks at.
    model.attention_block = 512

    # The group of the vision encoder.
    config.optim.groups.vision = base.group(lr=1e-4)
    # The group of the HTML encoder.
    config.optim.groups.html = base.group(lr=5e-4)
    # The group of everything else.
    config.optim.groups.rest = base.group(lr=5e-4)
    # Probability mass that the token losses spread over wrong tokens.
    config.optim.label_smoothing = 0.1

    # Predictions beside the sequence: names in heads.py, in the order in which they are computed. A
    # stage trains those whose inputs its encoders compute. Beside these there are "boxes" (where
    # nodes are), "merge" (node and parent), and detectors: "advanced", or "carousel", "accordion"
    # and "gallery" one by one. "structure" learns depth and parent in the layout, "prefix" ties a
    # prefix token to its class ("html_prefix" those of model.html_prefixes), "bag" learns patches
    # from sections without boxes.
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
    # Weight of the loss on boxes and paint order of nodes that were read without them.
    loss.boxes = 0.1
    # Weight of the classifier of nodes and parents: no merge, merge, complex merge.
    loss.merge = 0.1
    # Weight of the one detector of carousels, accordions and galleries.
    loss.advanced = 0.1
    # Weight of the detector of carousels alone.
    loss.carousel = 0.1 / 3
    # Weight of the detector of accordions alone.
    loss.accordion = 0.1 / 3
    # Weight of the detector of galleries alone.
    loss.gallery = 0.1 / 3
    # Weight of what early exits add: each layer's tokens, and how sure it is of them.
    loss.exits = 0.1
    # Weight of the loss on depth and parent of layout nodes, a surrogate of the tree distance.
    loss.structure = 0.05
    # Weight of what a teacher (config.teacher) says of each token; here and below, nothing without.
    loss.distill_logits = 1.0
    # Weight of what a teacher says of each HTML node.
    loss.distill_node = 0.5
    # Weight of where a teacher's spatial attention looks.
    loss.distill_attention = 0.1
    # Weight of the contrastive loss between prefix tokens and the patches of their classes.
    loss.prefix = 0.1
    # Weight of the contrastive loss between prefix tokens and the HTML nodes of their classes.
    loss.html_prefix = 0.1
    # Weight of the loss on which elements occur, learned on patches of sections without boxes.
    loss.bag = 0.1
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
    config.optim.groups.vision.lr = 5e-4
    config.optim.groups.html.lr = config.optim.groups.rest.lr = 1e-3
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


def as_defaults(config: ConfigDict) -> None:
    """Base, for TPU slices and H200s: nothing differs from `defaults`."""


PRESETS = {"tiny": tiny, "small": small, "base": as_defaults}
