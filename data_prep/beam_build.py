"""`python -m data_prep.beam_build`: the name that `data_prep.build --beam` had before."""

from data_prep.build.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(lambda argv: main(["--beam", *argv]))
