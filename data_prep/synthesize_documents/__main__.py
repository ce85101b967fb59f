"""`python -m data_prep.synthesize_documents`."""

from data_prep.synthesize_documents.command import main
from xojl_jax.command import run

if __name__ == "__main__":
    run(main)
