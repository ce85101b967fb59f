"""`python -m data_prep.agreement`."""

from data_prep.agreement.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
