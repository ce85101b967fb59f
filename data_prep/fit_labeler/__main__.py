"""`python -m data_prep.fit_labeler`."""

from data_prep.fit_labeler.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
