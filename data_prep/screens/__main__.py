"""`python -m data_prep.screens`."""

from data_prep.screens.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
