r"""Pre-training on documents: hidden words, hidden patches, words aligned with patches.

Command:   python -m xojl_jax.train --config=configs/document_pretrain.py \
             --config.init_from=runs/document-tokenizer-base,runs/document-mim-base
           python -m xojl_jax.train --config=configs/document_pretrain.py:tiny   (two CPU cores)
           Without --config.init_from it starts from scratch, and says so; the codes of patches are
           then those of a random projection (as in BEST-RQ, Chiu et al. 2022).
Hardware:  large, base: TPU v5e 16x16 or H200s; small: one GPU of 24 GB; tiny: two CPU cores.
Time:      not yet measured.
Metric:    accuracy/mlm, accuracy/mim, accuracy/wpa: not yet measured.
"""

from configs import document


def get_config(preset: str = "base"):
    return document.make(preset)
