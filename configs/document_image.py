r"""The image side of documents by itself: first the tokenizer of patches, then hidden patches.

Command:   python -m xojl_jax.train --config=configs/document_image.py --config.objectives=tokenizer
           python -m xojl_jax.train --config=configs/document_image.py \
             --config.init_from=runs/document-tokenizer-base
           Both with :tiny on two CPU cores.
Hardware:  large, base: TPU v5e 4x4 or one H200; small: one GPU of 24 GB; tiny: two CPU cores.
Time:      not yet measured.
Metric:    error/pixels and codes_used of the tokenizer, accuracy/mim: not yet measured.
"""

from configs import document


def get_config(preset: str = "base"):
    config = document.make(preset)
    config.objectives = "mim"
    return config
