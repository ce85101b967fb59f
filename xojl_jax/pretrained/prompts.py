"""What is written around a text before it is tokenized, as LLM2Vec (BehnamGhader et al. 2024) does:
an instruction, the separator, the document."""

from collections.abc import Callable, Mapping
from typing import Any

# Between an instruction and a document; it is taken out before tokenizing.
SEPARATOR = "!@#$%^&*()"

# What chat models were trained to see around a text, by the name of the published model.
_CHAT = {
    "meta-llama/Meta-Llama-3-8B-Instruct": (
        "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>"
    ),
    "mistralai/Mistral-7B-Instruct-v0.2": "[INST] {} [/INST]",
    "meta-llama/Llama-2-7b-chat-hf": "[INST] {} [/INST]",
    "google/gemma-2-9b-it": "<bos><start_of_turn>user\n{}<end_of_turn>",
    "Qwen/Qwen2-1.5B-Instruct": "<|im_start|>user\n{}<|im_end|>",
    "Qwen/Qwen2-7B-Instruct": "<|im_start|>user\n{}<|im_end|>",
}
# What the pooling "eos_token" needs at the end of a text, by model_type.
_ENDS = {"llama": " </s>", "mistral": " </s>", "gemma": "<eos>", "qwen2": "<|endoftext|>"}


def join(
    instruction: str, document: str, max_tokens: int, count_tokens: Callable[[str], int]
) -> str:
    """Instruction, separator and as many whole words of the document as `max_tokens` hold."""
    count = count_tokens(document)
    while count > max_tokens:
        words = document.split()
        # A word that is too long by itself is left to the cut at the model's length.
        if len(words) <= 1:
            break
        document = " ".join(words[: max(int(len(words) * max_tokens / count), 1)])
        count = count_tokens(document)
    return f"{instruction.strip()} {SEPARATOR}{document}" if instruction else SEPARATOR + document


def dress(text: str, config: Mapping[str, Any], pooling: str) -> str:
    """The text as the published model, by its config.json, is to see it."""
    name = config.get("_name_or_path")
    if name in _CHAT:
        text = _CHAT[name].format(text.strip())
    if name == "meta-llama/Meta-Llama-3-8B-Instruct" or pooling != "eos_token":
        return text
    end = _ENDS.get(config.get("model_type", ""), "")
    if name == "meta-llama/Meta-Llama-3-8B":
        end = "<|end_of_text|>"
    return text.strip() + end if end else text


def parts(text: str) -> tuple[str, str]:
    """(The text without separators, the document in it)."""
    pieces = text.split(SEPARATOR)
    return "".join(pieces), pieces[1] if len(pieces) > 1 else ""
