r"""The image encoder of documents in the form of BEiT v2 (Peng et al. 2022).

Command:   python -m xojl_jax.train --config=configs/document_beit.py \
             --config.objectives=tokenizer --config.clip=clip-vit-base-patch16
           python -m xojl_jax.train --config=configs/document_beit.py \
             --config.init_from=runs/document-tokenizer-base
           The tokenizer is distilled from CLIP; --config.tokenizer.target=pixels needs none. Both
           with :tiny on two CPU cores.
Hardware:  large, base: TPU v5e 4x4 or one H200; small: one GPU of 24 GB; tiny: two CPU cores.
Time:      not yet measured.
Metric:    accuracy/mim, accuracy/mim_cls: not yet measured.
"""

from configs import document


def get_config(preset: str = "base"):
    config = document.make(preset)
    config.objectives = "mim,mim_cls"
    config.tokenizer.target = "features"
    if preset != "tiny":
        # As published; 192 and 256 px work as well, and so does 1,024.
        config.image.height = config.image.width = 224
    m = config.model
    m.positions, m.relative_positions = "none", "shared"
    m.activation, m.key_bias = "gelu", False
    m.init_std, m.depth_init = 0.02, True
    m.layer_scale = 1e-5 if preset == "large" else 0.1
    m.drop_path, m.dropout = 0.1, 0.0
    return config
