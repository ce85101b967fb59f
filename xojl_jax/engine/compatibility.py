"""What earlier versions wrote, as this version names it: config fields and parameter paths.

The one place that knows of 0.1.0. `workdir` (resume) and `checkpoint` (resume, restore, warm start)
pass every config and every parameter name that they read through here.
"""

from collections.abc import Mapping
from typing import Any

from xojl_jax.config_fields import flatten

# Config fields of 0.1.0 -> their names today.
RENAMED_FIELDS = {
    "optim.lr_vision": "optim.groups.vision.lr",
    "optim.lr_html": "optim.groups.html.lr",
    "optim.lr_rest": "optim.groups.rest.lr",
    "optim.freeze_vision_at": "optim.groups.vision.freeze_at",
    "optim.freeze_html_at": "optim.groups.html.freeze_at",
}
# Config fields that 0.1.0 did not have, with the values under which a run computes what it did
# there. A field that is added to a config file is added here, too (a test compares).
ADDED_FIELDS: dict[str, Any] = {
    "data.drop_classes": 0.0,
    "data.drop_tags": 0.0,
    "optim.groups.rest.freeze_at": 0,
    "optim.groups.vision.freeze_layers": 0,
    "optim.groups.html.freeze_layers": 0,
    "optim.groups.rest.freeze_layers": 0,
    "optim.groups.vision.freeze_plateau": 0.0,
    "optim.groups.html.freeze_plateau": 0.0,
    "optim.groups.rest.freeze_plateau": 0.0,
    "optim.plateau_steps": 1000,
    "sequence": "",
    "teacher": "",
    "quantize": "none",
    "optim.keep_zeros": False,
    "data.buckets": 1,
    "data.bucket_shapes": "",
    "model.embeddings": "compositional,tag,content",
    "model.positions": "depth_first,breadth_first,parent,depth,child,path,boxes",
    "data.hints": 0.0,
    "data.least_confidence": 0.0,
    "data.codebook": "",
    "data.class_tokenizer": "",
    "model.head_width": 0,
    "model.mlp_width": 0,
    "loss.distill_logits": 1.0,
    "loss.distill_node": 0.5,
    "loss.distill_attention": 0.1,
    "model.class_composition": "attention",
    "model.tree_bias": True,
    "model.html_prefixes": False,
    "model.fusion": "late",
    "model.lsa_temperature": True,
    "model.lsa_exclude_self": True,
    "model.lsa_window": 0,
    "model.class_bias": "none",
    "model.attention_warmup": 0,
    "model.patch_drop": 0.0,
    "model.fusion_pairs": "all",
    "model.fusion_weights": False,
    "model.visual_memory": "pyramid",
    "model.decoder": "shared",
    "model.exit_at": 0.0,
    "model.decoder_window": 0,
    "model.decoder_top_k": 0,
    "model.decoder_key_block": 1,
    "model.decoder_tree_bias": False,
    "model.patch_embed": "shifted",
    "model.fine_regions": 64,
    "model.feed_forward": "mlp",
    "loss.exits": 0.1,
    "loss.structure": 0.05,
    "loss.prefix": 0.1,
    "loss.bag": 0.1,
    "loss.html_prefix": 0.1,
    "loss.boxes": 0.1,
    "loss.merge": 0.1,
    "loss.advanced": 0.1,
    "loss.carousel": 0.1 / 3,
    "loss.accordion": 0.1 / 3,
    "loss.gallery": 0.1 / 3,
    "min_delta": 0.0,
    "heads": "node,category,element,aux,contrastive,spatial",
}
# The same of the document task, which 0.1.0 did not have: fields that came after its first runs.
ADDED_DOCUMENT_FIELDS: dict[str, Any] = {
    "loss.pairs": 1.0,
    "target": "codes",
    "clip": "",
    "tokenizer.target": "pixels",
    "model.pretrained_vision": "",
    "model.cls_layers": 2,
    "loss.mim_cls": 1.0,
    "language.width": 768,
    "language.layers": 12,
    "language.heads": 12,
    "language.kv_heads": 12,
    "language.hidden": 2048,
    "model.positions": "rows_columns",
    "model.relative_positions": "none",
    "model.activation": "gelu_pytorch_tanh",
    "model.key_bias": True,
    "model.norm_epsilon": 1e-6,
    "model.layer_scale": 0.0,
    "model.drop_path": 0.0,
    "model.init_std": 0.0,
    "model.depth_init": False,
    "min_delta": 0.0,
}
# And of the task that trains text encoders.
ADDED_TEXT_FIELDS: dict[str, Any] = {"data.tokenizer": "", "min_delta": 0.0}
# And of the task that answers questions about pages.
ADDED_ANSWER_FIELDS: dict[str, Any] = {
    "answer.token_weights": "equal",
    "prompt.shots": 0,
    "data.buckets": 1,
    "data.bucket_shapes": "",
}
# Beginnings of parameter paths in 0.1.0 -> what they are today, such as "decoder/" ->
# "trunk/decoder/". The longest one that fits counts.
RENAMED_PARAMS: dict[str, str] = {}


def upgrade_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config, as nested dicts, with the field names of today; one of today stays as it is.

    Layouts were the one task of 0.1.0. A run of a version between releases lacks the latest fields.
    """
    flat = flatten(config)
    later = {
        "document": ADDED_DOCUMENT_FIELDS,
        "document_answers": ADDED_ANSWER_FIELDS,
        "text": ADDED_TEXT_FIELDS,
    }
    if flat.get("task") in later:
        return nest(later[flat["task"]] | flat)
    if not RENAMED_FIELDS.keys() & flat.keys() and flat.get("task") != "layout":
        return nest(flat)
    return nest(ADDED_FIELDS | {RENAMED_FIELDS.get(name, name): flat[name] for name in flat})


def upgrade_path(path: str) -> str:
    """The path of a parameter today, from its path in a checkpoint."""
    fitting = [old for old in RENAMED_PARAMS if path.startswith(old)]
    if not fitting:
        return path
    old = max(fitting, key=len)
    return RENAMED_PARAMS[old] + path.removeprefix(old)


def rename_paths(params: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Nested parameters, or what is nested like them, with other paths.

    Args:
      names: path -> new path; others stay.
    """
    return nest({names.get(path, path): leaf for path, leaf in flatten(params, "/").items()}, "/")


def nest(flat: Mapping[str, Any], separator: str = ".") -> dict[str, Any]:
    """The inverse of `config_fields.flatten`."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(separator)
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return tree
