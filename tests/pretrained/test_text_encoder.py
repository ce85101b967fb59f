"""The encoder around the model: folders, batches, texts; and what is refused."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.pretrained import checkpoints
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.nn.text.config import LanguageConfig, RotaryConfig
from xojl_jax.pretrained import language, names, prompts
from xojl_jax.pretrained.folder import WeightsFolder, write_weights
from xojl_jax.pretrained.text_encoder import Settings, TextEncoder, abstract_params
from xojl_jax.pretrained.tokenizer import PublishedTokenizer

SETTINGS = {"pooling_mode": "mean", "skip_instruction": True, **checkpoints.SETTINGS}


def copy(folder, to, **changes):
    """A published folder with other fields in config.json."""
    shutil.copytree(folder, to)
    config = json.loads((to / "config.json").read_text())
    (to / "config.json").write_text(json.dumps(config | changes))
    return to


def test_a_saved_encoder_gives_the_same_vectors(published, word_tokenizer, tmp_path):
    """Protects saving and loading: weights, settings, tokenizer; the head is left out."""
    encoder = TextEncoder.load(published("llama"), SETTINGS)
    encoder.save(tmp_path / "saved")
    again = TextEncoder.load(tmp_path / "saved")
    assert again.settings == encoder.settings == Settings(**SETTINGS)
    texts = list(checkpoints.TEXTS)
    # Another order, and batches of one device's rows: a vector depends on its text alone.
    vectors = encoder.encode(texts, batch_size=8)
    np.testing.assert_allclose(again.encode(texts[::-1], batch_size=8)[::-1], vectors, atol=1e-5)
    stored = load_file(tmp_path / "saved" / "model.safetensors")
    assert "layers.0.self_attn.q_proj.weight" in stored and "lm_head.weight" not in stored
    assert {"tokenizer.json", "llm2vec_config.json"} <= {
        path.name for path in (tmp_path / "saved").iterdir()
    }


@pytest.mark.parametrize("form", checkpoints.LANGUAGE_FORMS)
def test_every_tensor_is_written_as_it_was_read(form, published):
    """Protects the table of names in both directions, and the config's."""
    config = language.parse_config(checkpoints.config_of(form), "config.json")
    shapes = abstract_params(config, head=True)
    params = names.read(WeightsFolder(published(form)), language.TABLE, shapes)
    written = names.write(params, language.TABLE, "model.")
    for name, tensor in checkpoints.tensors_of(form).items():
        name = f"model.{name}" if name == "lm_head.weight" else name
        np.testing.assert_array_equal(written.pop(name), tensor)
    assert not written
    assert language.parse_config(language.to_published(config), "") == config


def test_many_files_and_one_are_the_same(published, tmp_path):
    """Protects sharded folders, read and written."""
    one, two = WeightsFolder(published("llama")), WeightsFolder(published("llama", shards=3))
    assert one.names() == two.names()
    tensors = {name: one.read(name) for name in sorted(one.names())}
    write_weights(tmp_path, tensors, shard_bytes=3000)
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    again = WeightsFolder(tmp_path)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(again.read(name), tensor)
        np.testing.assert_array_equal(two.read(name), tensor)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "t5"}, "model_type 't5' is not built"),
        ({"attention_bias": True}, "attention_bias is not built"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "'yarn' are not built"),
        ({"hidden_size": None}, "missing|NoneType"),
        ({"num_hidden_layers": 3}, "no tensor layers.2|no tensor model.layers.2"),
        ({"num_hidden_layers": 1}, "belong to no parameter"),
        ({"intermediate_size": 25}, "config.json says"),
    ],
)
def test_a_folder_that_is_something_else_is_refused(changes, message, published, tmp_path):
    """Protects from a model that silently computes something else than was published."""
    folder = copy(published("llama"), tmp_path / "llama", **changes)
    if changes.get("hidden_size", 0) is None:
        config = json.loads((folder / "config.json").read_text())
        del config["hidden_size"]
        (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match=message):
        TextEncoder.load(folder)


def test_damaged_folders_are_refused(published, tmp_path):
    """Protects the user from a traceback, and files outside of the folder from an index."""
    folder = copy(published("llama", shards=2), tmp_path / "llama")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"norm.weight": "../norm.safetensors"}}))
    with pytest.raises(BadInput, match="not in the folder"):
        WeightsFolder(folder)
    index.unlink()
    with pytest.raises(BadInput, match=r"no model\.safetensors"):
        WeightsFolder(folder)
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(BadInput, match="no sound safetensors file"):
        WeightsFolder(folder)
    save_file({"norm.weight": np.zeros(3, np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text("{")
    with pytest.raises(BadInput, match="cannot be read as JSON"):
        TextEncoder.load(folder)
    with pytest.raises(BadUsage, match="choose one of mean"):
        Settings(pooling_mode="max")


def test_the_vocabulary_grows_and_shrinks(published, word_tokenizer):
    """Protects the resizing of the embedding: what is there stays, new rows are its mean."""
    encoder = TextEncoder.load(published("gemma"), SETTINGS)
    size = len(checkpoints.WORDS)
    larger = encoder.resize_vocabulary(size + 3)
    table = larger.params["embed"]["embedding"]
    np.testing.assert_allclose(table[-1], table[:size].mean(0), atol=1e-6)
    assert (larger.config.vocabulary, larger.published["vocab_size"]) == (size + 3, size + 3)
    back = larger.resize_vocabulary(size)
    np.testing.assert_array_equal(
        back.params["embed"]["embedding"], encoder.params["embed"]["embedding"]
    )


def test_a_document_keeps_whole_words_and_its_instruction():
    """Protects the text that a model reads: cut by words, the separator between, and dressed for
    chat models and the pooling of the last token."""

    def count(text):
        return 2 * len(text.split())

    assert prompts.join("Find it: ", "a b c d", 5, count) == "Find it: !@#$%^&*()a b"
    assert prompts.join("", "word", 1, count) == "!@#$%^&*()word"
    assert prompts.parts("Find it: !@#$%^&*()a b") == ("Find it: a b", "a b")
    assert prompts.dress("a ", {"model_type": "llama"}, "eos_token") == "a </s>"
    assert prompts.dress("a ", {"model_type": "llama"}, "mean") == "a "
    chat = {"_name_or_path": "meta-llama/Llama-2-7b-chat-hf", "model_type": "llama"}
    assert prompts.dress("a ", chat, "mean") == "[INST] a [/INST]"


def test_configs_of_newer_and_older_files_are_the_same():
    """Protects two ways in which positions are told, and Gemma's two names of one activation."""
    old = checkpoints.config_of("llama")
    new = {k: v for k, v in old.items() if not k.startswith("rope")}
    new["rope_parameters"] = checkpoints.LLAMA3 | {"rope_theta": 100.0}
    config = language.parse_config(old, "")
    assert config == language.parse_config(new, "")
    assert config.rotary == RotaryConfig(100.0, "llama3", 4.0, 1.0, 4.0, 8)
    gemma = checkpoints.config_of("gemma")
    del gemma["hidden_activation"]
    assert language.parse_config(gemma, "").activation == "gelu_pytorch_tanh"
    assert isinstance(config, LanguageConfig)


def test_the_librarys_tokenizer_reads_what_is_published(published, word_tokenizer):
    """Protects ids, special tokens and cutting with the real library."""
    pytest.importorskip("tokenizers", reason="pip install 'xojl_jax[tokenizers]'")
    folder = published("llama")
    ours, true = word_tokenizer(folder), PublishedTokenizer(folder)
    texts = ["find the page", "", "we write to you about your order", "unheard of"]
    for special in (True, False):
        assert true.encode(texts, 5, special) == ours.encode(texts, 5, special)
    assert (true.bos, true.eos, true.pad, true.mask, true.size) == (1, 2, 2, 3, ours.size)
