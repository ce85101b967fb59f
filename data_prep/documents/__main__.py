"""`python -m data_prep.documents`."""

from data_prep.documents.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
