"""A published tokenizer: tokenizer.json, read by Hugging Face's `tokenizers`."""

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.pretrained.folder import read_json

FILE = "tokenizer.json"
# What is copied to a saved model, where it is there: other libraries look for these.
FILES = (
    FILE,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)


class PublishedTokenizer:
    """Texts to ids. Safe to share by threads.

    Args:
      folder: of a published model.
      text: of its tokenizer.json, for where the folder is gone; it is then known by no other file
        which tokens are special.

    Attributes:
      text: of tokenizer.json.
      bos, eos, pad, mask: ids, None where the tokenizer has no such token.
      size: number of ids.

    Raises:
      BadUsage: the library is not installed.
      BadInput: there is no sound tokenizer.json.
    """

    def __init__(self, folder: str | Path, text: str | None = None):
        self.folder = Path(folder)
        file = self.folder / FILE
        if text is None and not file.is_file():
            raise BadInput(
                f"{self.folder}: no {FILE}: save the tokenizer once in its fast form "
                "(transformers: AutoTokenizer.from_pretrained(…).save_pretrained(…))"
            )
        try:
            import tokenizers
        except ModuleNotFoundError:
            raise BadUsage(
                "the tokenizer of a published model needs the library tokenizers: "
                "pip install 'xojl_jax[tokenizers]'"
            ) from None
        try:
            self.text = file.read_text(encoding="utf-8") if text is None else text
            self._tokenizer = tokenizers.Tokenizer.from_str(self.text)
        except Exception as error:  # the library raises nothing narrower
            raise BadInput(f"{file}: no sound tokenizer ({error})") from None
        # Batches are padded and cut by us.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._lock = threading.Lock()  # a call's length is kept in the tokenizer
        self.size = self._tokenizer.get_vocab_size()
        told = self._special_tokens()
        self.bos = self._id(told.get("bos_token") or told.get("cls_token"))
        self.eos = self._id(told.get("eos_token") or told.get("sep_token"))
        self.mask = self._id(told.get("mask_token"))
        pad = self._id(told.get("pad_token"))
        self.pad = self.eos if pad is None else pad

    def encode(
        self, texts: Sequence[str], max_length: int, special: bool = True
    ) -> list[list[int]]:
        """The ids of every text, at most `max_length`, those of special tokens included.

        Args:
          special: whether the tokens that begin and end a text are added.
        """
        with self._lock:
            self._tokenizer.enable_truncation(max_length)
            try:
                encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=special)
            finally:
                self._tokenizer.no_truncation()
        return [encoding.ids for encoding in encoded]

    def save(self, folder: Path) -> None:
        """Copies the tokenizer's files."""
        for name in FILES:
            if (self.folder / name).is_file() and self.folder.resolve() != folder.resolve():
                shutil.copyfile(self.folder / name, folder / name)

    def _special_tokens(self) -> dict[str, str]:
        """Name, such as "bos_token", -> token."""
        told: dict[str, Any] = {}
        for name in ("tokenizer_config.json", "special_tokens_map.json"):
            if (self.folder / name).is_file():
                told |= {k: v for k, v in read_json(self.folder / name).items() if v is not None}
        found = {}
        for name, token in told.items():
            # A token may be told with its properties.
            token = token.get("content") if isinstance(token, dict) else token
            if name.endswith("_token") and isinstance(token, str):
                found[name] = token
        return found

    def _id(self, token: str | None) -> int | None:
        return None if token is None else self._tokenizer.token_to_id(token)
