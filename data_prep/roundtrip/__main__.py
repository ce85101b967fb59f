"""`python -m data_prep.roundtrip`."""

from data_prep.roundtrip.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
