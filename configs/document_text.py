r"""Document text: a language model learns to read both ways (MNTP), then to tell texts apart.

Command:   python -m xojl_jax.train --config=configs/document_text.py:tiny --workdir=runs/mntp
           python -m xojl_jax.train --config=configs/document_text.py:tiny --workdir=runs/simcse \
             --config.objective=simcse --config.init_from=runs/mntp
Hardware:  llama7b: TPU v5e 16x16; base: one GPU; tiny: two CPU cores.
Time:      not yet measured.
Metric:    share of masked tokens that are right (mntp), of texts that find their partner
           (retrieved): not yet measured.
"""

from configs import text


def get_config(preset: str = "base"):
    return text.make(preset)
