"""The ablations of the layout task: which requirement each belongs to, what was claimed, what
changes.

An ablation trains `tiny` with one part switched. Where the part is on by default the ablation takes
it away, else it adds it; either way the ledger tells what the part brings.
"""

from typing import Any, NamedTuple

BASELINE = "baseline"
_HEADS = "node,category,element,aux,contrastive,spatial"


class Ablation(NamedTuple):
    """One part, switched.

    Attributes:
      row: id in docs/requirements.md.
      part: what is switched, in a few words.
      claim: as the requirements quote it; "" where nobody claimed a figure.
      changes: config field -> value, against the baseline.
      default: whether the part is on in the baseline, so that the ablation takes it away.
      pretrained: whether it begins with the encoders of --pretrained.
    """

    row: str
    part: str
    claim: str
    changes: dict[str, Any]
    default: bool = False
    pretrained: bool = False


def _without(head: str) -> dict[str, Any]:
    return {"heads": ",".join(name for name in _HEADS.split(",") if name != head)}


def _with(head: str) -> dict[str, Any]:
    return {"heads": f"{_HEADS},{head}"}


# In the order in which they are trained: the rows that quote a claim first.
ABLATIONS: dict[str, Ablation] = {
    "no_tree_positions": Ablation(
        "X039",
        "tree positions (all but boxes)",
        "up to 1 % absolute over none",
        {"model.positions": "boxes,relative_boxes"},
        default=True,
    ),
    "linear_patches": Ablation(
        "X045",
        "shifted patch tokenization",
        "+2.96 % on average on small datasets",
        {"model.patch_embed": "linear"},
        default=True,
    ),
    "no_locality": Ablation(
        "X047",
        "locality self-attention: temperature, no self",
        "+4.08 % (Swin)",
        {"model.lsa_temperature": False, "model.lsa_exclude_self": False},
        default=True,
    ),
    "no_aux": Ablation(
        "X050",
        "auxiliary element head on patches",
        "+12 % testing accuracy",
        _without("aux"),
        default=True,
    ),
    "early_fusion": Ablation(
        "X063",
        "late fusion, against early fusion",
        "4.8 % over early fusion (0.876 against 0.828)",
        {"model.fusion": "early"},
        default=True,
    ),
    "mixture": Ablation(
        "X076",
        "mixture of transformers, against late fusion",
        "55.8 % fewer FLOPs",
        {"model.fusion": "mixture"},
    ),
    "hash_embeddings": Ablation(
        "X040",
        "hashed class strings, against compositional ones",
        'parameters: "only a fraction"',
        {"model.embeddings": "hash,tag,content,inside,inherited"},
    ),
    "no_node_measures": Ablation(
        "X038",
        "what nodes are beside those around them",
        "",
        {
            "model.embeddings": "compositional,tag,content",
            "model.positions": "depth_first,breadth_first,parent,depth,child,path,boxes",
        },
        default=True,
    ),
    "drop_names": Ablation(
        "X038",
        "half of the classes hidden, and 30 % of the tags",
        "",
        {"data.drop_classes": 0.5, "data.drop_tags": 0.3},
    ),
    "two_decoders": Ablation(
        "X097",
        "one shared decoder, against two",
        "50 % fewer parameters",
        {"model.decoder": "separate"},
        default=True,
    ),
    "early_exit": Ablation(
        "X095",
        "early exit at 0.85",
        "30 to 60 % less latency",
        {"model.exit_at": 0.85},
    ),
    "remat_all": Ablation(
        "X057",
        "remat of all, against that of attention",
        "40 to 50 % less memory",
        {"model.remat": "full"},
    ),
    "unified_detector": Ablation(
        "X099",
        "the one detector of patterns",
        "66 % fewer parameters than three",
        _with("advanced"),
    ),
    "int8_training": Ablation(
        "X100",
        "training that rounds kernels to int8",
        "less than 0.5 % drop",
        {"quantize": "int8"},
    ),
    "no_contrastive": Ablation(
        "X068", "contrastive loss of regions and nodes", "", _without("contrastive"), default=True
    ),
    "no_spatial": Ablation(
        "X069", "loss on the spatial attention", "", _without("spatial"), default=True
    ),
    "no_tree_bias": Ablation(
        "X070", "attention biased by the tree", "", {"model.tree_bias": False}, default=True
    ),
    "summed_classes": Ablation(
        "X036",
        "classes composed by attention, against a sum",
        "",
        {"model.class_composition": "sum"},
        default=True,
    ),
    "decoder_tree_bias": Ablation(
        "X080",
        "the decoder's attention biased by the tree it writes",
        "",
        {"model.decoder_tree_bias": True},
    ),
    "attention_warmup": Ablation(
        "X062", "attention warm-up over 100 steps", "", {"model.attention_warmup": 100}
    ),
    "structure": Ablation("X111", "depth and parent, as a loss", "", _with("structure")),
    "prefix": Ablation("X106", "contrastive loss of prefixes", "", _with("prefix")),
    "html_prefix": Ablation(
        "X104",
        "prefixes of the HTML encoder, and their loss",
        "",
        {"model.html_prefixes": True, **_with("html_prefix")},
    ),
    "no_pyramid": Ablation(
        "X066",
        "a feature pyramid, against the last layer",
        "5 pictures a second on a GPU",
        {"model.visual_memory": "last"},
        default=True,
    ),
    "progressive": Ablation(
        "X055", "patches at three scales", "", {"model.patch_embed": "progressive"}
    ),
    "class_bias": Ablation("X054", "learned bias by class", "", {"model.class_bias": "learned"}),
    "fixed_class_bias": Ablation("X105", "fixed bias by class", "", {"model.class_bias": "fixed"}),
    "all_shifts": Ablation("X044", "eight shifts, against four", "", {"model.shifts": "all8"}),
    "patch_drop": Ablation(
        "X059", "a quarter of the patches dropped", "", {"model.patch_drop": 0.25}
    ),
    "local_window": Ablation(
        "X046", "patches attend to 64 either way", "", {"model.lsa_window": 64}
    ),
    "boxes": Ablation("X085", "reasoning over boxes", "", _with("boxes")),
    "merge": Ablation("X090", "classifier of parent and child", "", _with("merge")),
    "bag": Ablation("X048", "patches of sections without boxes", "", _with("bag")),
    "box_pairs": Ablation(
        "X073", "only pairs by boxes attend", "", {"model.fusion_pairs": "boxes"}
    ),
    "fusion_weights": Ablation(
        "X064", "weights of the modalities", "", {"model.fusion_weights": True}
    ),
    "aligned": Ablation(
        "X075", "alignment by boxes, against attention", "", {"model.fusion": "aligned"}
    ),
    "sparse_decoder": Ablation(
        "X098",
        "window 32 and the 8 best keys",
        "2 to 3 times as fast",
        {"model.decoder_window": 32, "model.decoder_top_k": 8},
    ),
    "block_sparse_decoder": Ablation(
        "X098",
        "window 32 and the 2 best blocks of 4 keys",
        "2 to 3 times as fast",
        {"model.decoder_window": 32, "model.decoder_top_k": 8, "model.decoder_key_block": 4},
    ),
    "hints": Ablation("X056", "class hints, told at random", "", {"data.hints": 0.25}),
    "balance": Ablation("X012", "rare records drawn more often", "", {"data.balance": 0.5}),
}

# Those of the HTML encoder, which stage 2 has.
HTML_PARTS = (
    "no_tree_positions",
    "hash_embeddings",
    "no_node_measures",
    "drop_names",
    "no_tree_bias",
    "summed_classes",
    "html_prefix",
    "merge",
    "balance",
)
