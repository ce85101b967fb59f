"""`python -m data_prep.capture`."""

from data_prep.capture.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
