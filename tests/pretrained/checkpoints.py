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
