"""The model in the box: a small trained one that answers where no other is named.

docs/shipped_model.md says how it was made and what it scores.
"""

import sys
from pathlib import Path

from xojl_jax.errors import UserError
from xojl_jax.serving import folder

NAME = "shipped"
FOLDER = Path(__file__).parent / "shipped_model"


def use(flag: str) -> Path:
    """The folder of the model in the box; says on standard error that it answers.

    Args:
      flag: how another one is named, such as "--workdir".

    Raises:
      UserError: this installation lacks it.
    """
    if not folder.is_exported(FOLDER):
        raise UserError(f"this installation has no model in the box: name one, {flag}=MODEL")
    version = folder.read_model(FOLDER)["version"]
    print(f"the model in the box answers, {version}; {flag}=… names another", file=sys.stderr)
    return FOLDER
