"""`python -m data_prep.synthesize`."""

from data_prep.synthesize.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
