"""`python -m data_prep.label`."""

from data_prep.label.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
