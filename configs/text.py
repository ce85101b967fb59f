"""The text task's defaults and presets. `document_text.py` is the one stage."""

from ml_collections import ConfigDict

from configs import base


def defaults() -> ConfigDict:
    config = base.defaults()
    config.task = "text"

    # What is learned: "mntp", to read both ways, and after it "simcse", to tell texts apart.
    config.objective = "mntp"

    # Word pieces, a tokenizer.json of data_prep.build; the checkpoint keeps it. "" takes those of
    # the shards where config.data.path names document shards, else text is bytes.
    config.data.tokenizer = ""
    # Tokens of a row; longer passages become several rows.
    config.data.length = 512
    # Share of tokens that are masked.
    config.data.mask_share = 0.2

    config.model = model = ConfigDict()
    # A published folder (config.json, safetensors, tokenizer.json) that gives weights, sizes and
    # tokenizer; "" starts from scratch.
    model.pretrained = ""
    # Without a published folder: width of the residual stream.
    model.width = 768
    # Layers.
    model.layers = 12
    # Heads of the queries.
    model.heads = 12
    # Heads of keys and values.
    model.kv_heads = 12
    # Width within the feed-forward.
    model.hidden = 2048
    # Rows of the embedding; 0: as many as the tokenizer needs.
    model.vocabulary = 0
    # Whether a token sees later ones.
    model.bidirectional = True
    # Positions of a group of shifted sparse attention; 0: dense.
    model.shift_group = 0
    # Dropout. SimCSE lives on it.
    model.dropout = 0.1
    # Compute dtype.
    model.dtype = "bfloat16"
    # What the backward pass finds saved, see nn/scan.py.
    model.remat = "attention"

    config.lora = lora = ConfigDict()
    # Rank of the adapters, with the model frozen; 0 trains the whole model.
    lora.rank = 0
    # Adapters count alpha / rank times.
    lora.alpha = 32.0
    # Dropout of what adapters read.
    lora.dropout = 0.05
    # The linear maps that have one.
    lora.targets = "query,key,value,out,gate,up,down"
    # Whether embeddings and head are trained beside the adapters.
    lora.embeddings = False
    # Whether norms are.
    lora.norms = False

    config.simcse = simcse = ConfigDict()
    # What makes one vector of a text, a key of nn/text/pooling.POOLINGS.
    simcse.pooling = "mean"
    # Cosines are divided by it.
    simcse.temperature = 0.05

    config.optim.groups = ConfigDict({"text": base.group(lr=5e-4)})
    return config


def make(preset: str = "base") -> ConfigDict:
    return base.choose_preset(defaults(), preset, PRESETS)


def _tiny(config: ConfigDict) -> None:
    config.total_steps = 200
    config.batch_size = 16
    config.checkpoint_every = 100
    config.eval_every = 100
    config.eval_batches = 2
    config.log_every = 20
    config.data.length = 64
    config.data.num_threads = 0
    config.model.update(width=128, layers=2, heads=4, kv_heads=2, hidden=256, dtype="float32")
    config.optim.warmup_steps = 20
    config.optim.ema_decay = 0.0
    config.optim.groups.text.lr = 2e-3


def _small(config: ConfigDict) -> None:
    config.model.update(width=384, heads=6, kv_heads=6, hidden=1024)


def _base(config: ConfigDict) -> None:
    pass


def _large(config: ConfigDict) -> None:
    config.model.update(width=1024, layers=24, heads=16, kv_heads=16, hidden=2816)


def _llama7b(config: ConfigDict) -> None:
    """The sizes of Llama 2 7B, with adapters; its weights by `config.model.pretrained`."""
    config.model.update(width=4096, layers=32, heads=32, kv_heads=32, hidden=11008)
    config.model.vocabulary = 32000
    config.model.remat = "full"
    config.lora.rank = 16
    config.optim.ema_decay = 0.0
    config.optim.groups.text.lr = 5e-5


PRESETS = {
    "tiny": _tiny,
    "small": _small,
    "base": _base,
    "large": _large,
    "llama7b": _llama7b,
}
