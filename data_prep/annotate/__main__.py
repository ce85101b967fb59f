"""`python -m data_prep.annotate`."""

from data_prep.annotate.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
