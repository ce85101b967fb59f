r"""Fine-tuning on questions about pages, from pre-trained encoders.

Command:   python -m xojl_jax.train --config=configs/document_tune.py \
             --config.data.path=shards --config.init_from=runs/document-mlm-mim-wpa-base
           python -m xojl_jax.train --config=configs/document_tune.py:tiny   (two CPU cores)
           Without --config.init_from the encoders start from scratch, and the run says so. With
           --config.lora.rank=8 they stay as they are, and adapters are trained.
Hardware:  large, base: TPU v5e 4x4 or one H200; small: one GPU of 24 GB; tiny: two CPU cores.
Time:      not yet measured.
Metric:    accuracy/whole, answers that are right in every token (docs/answers.md).
"""

from configs import document_answers


def get_config(preset: str = "base"):
    config = document_answers.make(preset)
    # The best checkpoint is kept; --config.patience=5 ends the run when nothing gets better.
    config.best_metric = "accuracy/whole"
    return config
