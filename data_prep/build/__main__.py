"""`python -m data_prep.build`."""

from data_prep.build.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
