"""Pickle runs code when it is read: no file of ours or of anybody's is read by it."""

import argparse
import ast
import os
import pickle
from pathlib import Path

import pytest

from xojl_jax.data import images
from xojl_jax.data.shards import read_manifest
from xojl_jax.engine import checkpoint_files
from xojl_jax.errors import UserError
from xojl_jax.tasks.layout.inputs import read_inputs
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import read_directory

ROOT = Path(__file__).parents[2]
READERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "torch"}


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def canary(tmp_path):
    """A pickle, its bytes; and the folder that it makes if it is read."""
    made = tmp_path / "it-ran"
    data = pickle.dumps(Canary(made))
    pickle.loads(pickle.dumps(Canary(tmp_path / "proof")))
    assert (tmp_path / "proof").is_dir()
    return data, made


def test_a_pickle_is_refused_wherever_a_file_is_read(tmp_path, canary):
    """Protects whoever is sent a file: under any name it is refused, and its code does not run."""
    data, made = canary
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("records.jsonl", "a.json", "manifest.json", "metadata.json", "tree.npy"):
        (folder / name).write_bytes(data)
    for html, screenshot in ((folder / "a.json", None), (None, folder / "tree.npy")):
        flags = argparse.Namespace(html=html and str(html), screenshot=screenshot)
        with pytest.raises(UserError):
            read_inputs(flags)
    with pytest.raises(UserError):
        images.decode_image(data)
    assert all(isinstance(found, UserError) for _, found in read_directory(folder))
    with pytest.raises(UserError):
        read_manifest(folder)
    with pytest.raises(UserError):
        checkpoint_files.verify(folder)
    with pytest.raises(UserError):
        Codebook.load(folder / "a.json")
    assert not made.exists()


def test_no_module_imports_a_reader_of_pickles():
    """Protects the promise in every module, those that no test runs included."""
    for package in ("xojl_jax", "data_prep", "configs"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                    assert isinstance(node.value, ast.Constant) and node.value.value is False, path
                assert not {name.split(".")[0] for name in names} & READERS, path
