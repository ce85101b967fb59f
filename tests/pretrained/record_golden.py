"""Records what the reference libraries compute for the checkpoints of checkpoints.py: golden.npz.

Run it from the root of the repository, in an environment of its own:

    python -m venv /tmp/reference
    /tmp/reference/bin/pip install llm2vec==0.2.3 "transformers==4.44.2" torch safetensors
    /tmp/reference/bin/python -m tests.pretrained.record_golden
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from llm2vec import LLM2Vec
from transformers import AutoModel, AutoModelForCausalLM

from tests.pretrained import checkpoints

OUT = Path(__file__).parent / "golden.npz"


def main() -> None:
    golden = {}
    with tempfile.TemporaryDirectory() as temporary, torch.no_grad():
        root = Path(temporary)
        for form in checkpoints.FORMS:
            checkpoints.write_checkpoint(root / form, form)
        for form in checkpoints.LANGUAGE_FORMS:
            golden |= language_model(root / form, form)
        golden |= bert(root / "bert")
        golden |= encodings(root / "llama")
        for form in checkpoints.VISION_FORMS:
            golden |= vision(checkpoints.write_vision(root / form, form), form)
    np.savez_compressed(OUT, **golden)
    print(f"{OUT}: {len(golden)} arrays, {OUT.stat().st_size} bytes")


def language_model(folder: Path, form: str) -> dict[str, np.ndarray]:
    """Causal scores and hidden states by transformers, bidirectional states by llm2vec."""
    ids, mask = map(torch.from_numpy, checkpoints.batch())
    causal = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    given = {"input_ids": ids, "attention_mask": mask.long()}
    answer = causal(**given, output_hidden_states=True)
    both = LLM2Vec.from_pretrained(str(folder), attn_implementation="sdpa").model.eval()
    return {
        f"{form}/logits": answer.logits[:, -2:].numpy(),
        f"{form}/causal": answer.hidden_states[-1].numpy(),
        f"{form}/bidirectional": both(**given).last_hidden_state.numpy(),
    }


def bert(folder: Path) -> dict[str, np.ndarray]:
    ids, mask = checkpoints.batch()
    ids, mask = (torch.from_numpy(np.ascontiguousarray(x[:, ::-1])) for x in (ids, mask))
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    answer = model(input_ids=ids, attention_mask=mask.long())
    return {"bert/hidden": answer.last_hidden_state.numpy()}


def vision(folder: Path, form: str) -> dict[str, np.ndarray]:
    """The stream behind the last layer, and some of it behind the last norm."""
    pictures, hidden = checkpoints.images()
    mean, std = checkpoints.STATISTICS[form]
    pixels = ((pictures / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    published = getattr(transformers, checkpoints.VISION_FORMS[form]["architectures"][0])
    model = published.from_pretrained(folder, attn_implementation="eager").eval()
    given = {"bool_masked_pos": torch.from_numpy(hidden)} if form == "beit_masked" else {}
    answer = model(torch.from_numpy(pixels), output_hidden_states=True, **given)
    stream = answer.hidden_states[-1]
    normed = model.get_submodule(checkpoints.LAST_NORM[form])(stream)
    if form == "beit_tuned":
        np.testing.assert_array_equal(answer.last_hidden_state.numpy(), normed.numpy())
    if form == "clip_vision":
        np.testing.assert_array_equal(answer.pooler_output.numpy(), normed[:, 0].numpy())
    return {f"{form}/stream": stream.numpy(), f"{form}/normed": normed[:, :20].numpy()}


def encodings(folder: Path) -> dict[str, np.ndarray]:
    """Vectors of texts by llm2vec, for every pooling, with and without the instruction."""
    found = {}
    texts = [list(pair) for pair in checkpoints.TEXTS]
    for mode in checkpoints.POOLINGS:
        for skip in (True, False):
            settings = {"pooling_mode": mode, "skip_instruction": skip, **checkpoints.SETTINGS}
            model = LLM2Vec.from_pretrained(str(folder), **settings)
            vectors = model.encode(texts, batch_size=3, show_progress_bar=False)
            found[f"encode/{mode}/{skip}"] = vectors.numpy()
    return found


if __name__ == "__main__":
    main()
