"""`python -m data_prep.validate`."""

from data_prep.validate.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
