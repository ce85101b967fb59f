"""Small published folders of random numbers, with the true names of tensors. Only numpy makes them,
so that the script that records what the reference libraries compute makes the very same ones."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

WIDTH, LAYERS, HEADS, HIDDEN = 16, 2, 4, 24
WORDS = (
    *("<unk>", "<s>", "</s>", "_", "query:", "find", "the", "page", "that", "names", "a", "total"),
    *("invoice", "number", "date", "of", "each", "company", "in", "this", "table", "report", "is"),
    *("paid", "not", "yet", "due", "on", "monday", "we", "write", "to", "you", "about", "your"),
    "order",
)
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8,
}
# What each form says in config.json beside the sizes.
FORMS = {
    "llama": {
        "architectures": ["LlamaForCausalLM"],
        "num_key_value_heads": 2,
        "rope_theta": 100.0,
        "rope_scaling": LLAMA3,
        "hidden_act": "silu",
    },
    "mistral": {
        "architectures": ["MistralForCausalLM"],
        "num_key_value_heads": 2,
        "sliding_window": 4,
        "head_dim": 4,
        "hidden_act": "silu",
    },
    "gemma": {
        "architectures": ["GemmaForCausalLM"],
        "num_key_value_heads": 1,
        "head_dim": 6,
        "hidden_act": "gelu",
        "hidden_activation": "gelu_pytorch_tanh",
        "tie_word_embeddings": True,
    },
    "qwen2": {
        "architectures": ["Qwen2ForCausalLM"],
        "num_key_value_heads": 4,
        "use_sliding_window": False,
        "hidden_act": "silu",
    },
    "bert": {
        "architectures": ["BertModel"],
        "max_position_embeddings": 20,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
    },
}
LANGUAGE_FORMS = ("llama", "mistral", "gemma", "qwen2")
# Image encoders: 224 px in patches of 16, four layers.
_VISION = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 4,
    "num_attention_heads": HEADS,
    "intermediate_size": HIDDEN,
    "image_size": 224,
    "patch_size": 16,
}
_BEIT = {
    **_VISION,
    "model_type": "beit",
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "layer_scale_init_value": 0.1,
    "vocab_size": 8,
}
VISION_FORMS = {
    "beit_masked": {
        **_BEIT,
        "architectures": ["BeitForMaskedImageModeling"],
        "use_mask_token": True,
        "use_shared_relative_position_bias": True,
    },
    "beit_tuned": {
        **_BEIT,
        "architectures": ["BeitModel"],
        "use_absolute_position_embeddings": True,
        "use_relative_position_bias": True,
        "use_mean_pooling": False,
    },
    "clip_vision": {
        **_VISION,
        "architectures": ["CLIPVisionModel"],
        "model_type": "clip_vision_model",
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "projection_dim": 8,
    },
}
# Means and deviations of the channels, and the module of the last norm.
_HALF = np.full(3, 0.5)
STATISTICS = {
    "beit_masked": (_HALF, _HALF),
    "beit_tuned": (_HALF, _HALF),
    "clip_vision": (
        np.array([0.48145466, 0.4578275, 0.40821073]),
        np.array([0.26862954, 0.26130258, 0.27577711]),
    ),
}
LAST_NORM = {
    "beit_masked": "layernorm",
    "beit_tuned": "layernorm",
    "clip_vision": "vision_model.post_layernorm",
}
# Texts of the golden vectors: with and without an instruction, of unequal lengths, one too long.
TEXTS = (
    ("query: find the page that names a total", "the invoice number of each company"),
    ("", "this report is paid"),
    ("", "we write to you about your order in this table " * 2),
    ("query:", "monday"),
)
SETTINGS = {"max_length": 24, "doc_max_length": 12}
POOLINGS = ("mean", "weighted_mean", "eos_token", "last_token", "bos_token")


def batch():
    """Ids int64[2, 9], and their mask bool[2, 9] with padding on the left."""
    ids = np.random.default_rng(1).integers(4, len(WORDS), (2, 9))
    return ids, np.arange(9)[None] >= np.array([[0], [3]])


def config_of(form: str) -> dict:
    return {
        "model_type": form,
        "vocab_size": len(WORDS),
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": HIDDEN,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
        **FORMS[form],
    }


def tensors_of(form: str) -> dict[str, np.ndarray]:
    """Every published tensor of a form, float32."""
    config = config_of(form)
    random = np.random.default_rng(sum(map(ord, form)))
    shapes = _bert_shapes(config) if form == "bert" else _language_shapes(config)

    def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
        spread = 0.3 if len(shape) == 1 else 1 / np.sqrt(shape[-1])
        is_norm = "norm" in name.lower() and name.endswith("weight")
        center = 1.0 if is_norm and form != "gemma" else 0.0
        return (center + spread * random.normal(size=shape)).astype(np.float32)

    return {name: draw(name, shape) for name, shape in shapes.items()}


def images():
    """uint8[1, 224, 224, 3], and bool[1, 196] of hidden patches."""
    random = np.random.default_rng(2)
    return random.integers(0, 256, (1, 224, 224, 3), np.uint8), random.random((1, 196)) < 0.4


def write_vision(folder: Path, form: str, **changes) -> Path:
    """A folder of an image encoder as the hub has it; `changes` of its config."""
    config = VISION_FORMS[form] | changes
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    random = np.random.default_rng(sum(map(ord, form)))
    shapes = (
        _clip_shapes(config) if config["model_type"].startswith("clip") else _beit_shapes(config)
    )

    def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
        is_norm = "norm" in name and name.endswith("weight")
        spread = 0.3 if len(shape) == 1 else 1 / np.sqrt(np.prod(shape[1:]))
        return (is_norm + spread * random.normal(size=shape)).astype(np.float32)

    tensors = {name: draw(name, shape) for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_checkpoint(folder: Path, form: str, shards: int = 1) -> Path:
    """A folder as the hub has it: config, weights, tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_of(form)))
    tensors = tensors_of(form)
    names = list(tensors)
    index = {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors" if shards > 1 else "model.safetensors"
        part = {name: tensors[name] for name in names[i::shards]}
        save_file(part, folder / file, metadata={"format": "pt"})
        index |= dict.fromkeys(part, file)
    if shards > 1:
        text = json.dumps({"metadata": {}, "weight_map": index})
        (folder / "model.safetensors.index.json").write_text(text)
    write_tokenizer(folder)
    return folder


def write_tokenizer(folder: Path) -> None:
    """Words between spaces, a <s> before them."""
    begin = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    sequence = [{"Sequence": {"id": name, "type_id": 0}} for name in "AB"]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    special = [{"id": i, "content": WORDS[i], "special": True, **flags} for i in range(3)]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, sequence[0]],
            "pair": [begin, *sequence],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
        },
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: i for i, word in enumerate(WORDS)},
            "unk_token": "<unk>",
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "mask_token": "_",
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(told))


def _language_shapes(config: dict) -> dict[str, tuple[int, ...]]:
    head = config.get("head_dim", WIDTH // HEADS)
    outputs = {"q": HEADS * head, **dict.fromkeys("kv", config["num_key_value_heads"] * head)}
    shapes = {"model.embed_tokens.weight": (len(WORDS), WIDTH)}
    for i in range(LAYERS):
        layer = f"model.layers.{i}."
        for name, width in outputs.items():
            shapes[f"{layer}self_attn.{name}_proj.weight"] = (width, WIDTH)
            if config["model_type"] == "qwen2":
                shapes[f"{layer}self_attn.{name}_proj.bias"] = (width,)
        shapes[f"{layer}self_attn.o_proj.weight"] = (WIDTH, HEADS * head)
        for name in ("gate", "up"):
            shapes[f"{layer}mlp.{name}_proj.weight"] = (HIDDEN, WIDTH)
        shapes[f"{layer}mlp.down_proj.weight"] = (WIDTH, HIDDEN)
        for name in ("input_layernorm", "post_attention_layernorm"):
            shapes[f"{layer}{name}.weight"] = (WIDTH,)
    shapes["model.norm.weight"] = (WIDTH,)
    if not config.get("tie_word_embeddings"):
        shapes["lm_head.weight"] = (len(WORDS), WIDTH)
    return shapes


def _layer_shapes(
    layer: str, linears: dict[str, tuple[int, int]], norms: tuple[str, ...], width: int
) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for name, (outputs, inputs) in linears.items():
        shapes |= {f"{layer}{name}.weight": (outputs, inputs), f"{layer}{name}.bias": (outputs,)}
    for name in norms:
        shapes |= {f"{layer}{name}.weight": (width,), f"{layer}{name}.bias": (width,)}
    return shapes


def _beit_shapes(c: dict) -> dict[str, tuple[int, ...]]:
    width, hidden, side = c["hidden_size"], c["intermediate_size"], c["patch_size"]
    grid = c["image_size"] // side
    table = ((2 * grid - 1) ** 2 + 3, c["num_attention_heads"])
    relative = "relative_position_bias.relative_position_bias_table"
    shapes: dict[str, tuple[int, ...]] = {"embeddings.cls_token": (1, 1, width)}
    if c.get("use_mask_token"):
        shapes["embeddings.mask_token"] = (1, 1, width)
    if c.get("use_absolute_position_embeddings"):
        shapes["embeddings.position_embeddings"] = (1, grid**2 + 1, width)
    shapes["embeddings.patch_embeddings.projection.weight"] = (width, 3, side, side)
    shapes["embeddings.patch_embeddings.projection.bias"] = (width,)
    if c.get("use_shared_relative_position_bias"):
        shapes[f"encoder.{relative}"] = table
    linears = {
        "attention.attention.query": (width, width),
        "attention.attention.key": (width, width),
        "attention.attention.value": (width, width),
        "attention.output.dense": (width, width),
        "intermediate.dense": (hidden, width),
        "output.dense": (width, hidden),
    }
    for i in range(c["num_hidden_layers"]):
        layer = f"encoder.layer.{i}."
        shapes |= _layer_shapes(layer, linears, ("layernorm_before", "layernorm_after"), width)
        del shapes[f"{layer}attention.attention.key.bias"]
        shapes |= {f"{layer}lambda_1": (width,), f"{layer}lambda_2": (width,)}
        if c.get("use_relative_position_bias"):
            shapes[f"{layer}attention.attention.{relative}"] = table
    norm = _layer_shapes("", {}, ("layernorm",), width)
    if c["architectures"] == ["BeitModel"]:
        pooler = _layer_shapes("", {}, ("pooler.layernorm",), width)
        return shapes | (pooler if c.get("use_mean_pooling", True) else norm)
    head = _layer_shapes("", {"lm_head": (c["vocab_size"], width)}, (), width)
    return {f"beit.{name}": shape for name, shape in shapes.items()} | norm | head


def _clip_shapes(c: dict) -> dict[str, tuple[int, ...]]:
    width, hidden, side = c["hidden_size"], c["intermediate_size"], c["patch_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.class_embedding": (width,),
        "embeddings.patch_embedding.weight": (width, 3, side, side),
        "embeddings.position_embedding.weight": ((c["image_size"] // side) ** 2 + 1, width),
    }
    linears = {f"self_attn.{name}_proj": (width, width) for name in ("q", "k", "v", "out")}
    linears |= {"mlp.fc1": (hidden, width), "mlp.fc2": (width, hidden)}
    for i in range(c["num_hidden_layers"]):
        norms = ("layer_norm1", "layer_norm2")
        shapes |= _layer_shapes(f"encoder.layers.{i}.", linears, norms, width)
    shapes |= _layer_shapes("", {}, ("pre_layrnorm", "post_layernorm"), width)
    return {f"vision_model.{name}": shape for name, shape in shapes.items()}


def _bert_shapes(config: dict) -> dict[str, tuple[int, ...]]:
    shapes = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], WIDTH),
        "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], WIDTH),
        "pooler.dense.weight": (WIDTH, WIDTH),
        "pooler.dense.bias": (WIDTH,),
    }
    norms = ["embeddings.LayerNorm"]
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        for name, outputs, inputs in (
            ("attention.self.query", WIDTH, WIDTH),
            ("attention.self.key", WIDTH, WIDTH),
            ("attention.self.value", WIDTH, WIDTH),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", HIDDEN, WIDTH),
            ("output.dense", WIDTH, HIDDEN),
        ):
            shapes[f"{layer}{name}.weight"] = (outputs, inputs)
            shapes[f"{layer}{name}.bias"] = (outputs,)
        norms += [f"{layer}attention.output.LayerNorm", f"{layer}output.LayerNorm"]
    for norm in norms:
        shapes |= {f"{norm}.weight": (WIDTH,), f"{norm}.bias": (WIDTH,)}
    return shapes
