"""`python -m data_prep.beam_build`."""

from data_prep.beam_build.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
