"""A working directory belongs to one run and, at a time, to one job."""

import json

import pytest

from configs import document, document_answers, layout
from tests.engine.toy_task import toy_config
from xojl_jax import config_fields
from xojl_jax.engine import compatibility, workdir
from xojl_jax.errors import BadUsage


def test_it_writes_the_config_and_takes_it_up_again(tmp_path):
    """Protects resuming: the same config is welcome, and so are fields that may change."""
    with workdir.claim(tmp_path / "run", toy_config()) as directory:
        assert directory.read_config()["optim"]["b2"] == 0.98
        assert directory.checkpoints.is_dir()
    with workdir.claim(tmp_path / "run", toy_config(total_steps=99, mesh__fsdp=2)) as directory:
        assert directory.read_config()["total_steps"] == 99


def test_another_config_is_refused_field_by_field(tmp_path):
    """Protects a run from being continued as something else."""
    with workdir.claim(tmp_path, toy_config()):
        pass
    other = toy_config(optim__b2=0.5, batch_size=32, total_steps=99)
    with (
        pytest.raises(BadUsage, match=r"\(batch_size 16 -> 32, optim.b2 0.98 -> 0.5\)"),
        workdir.claim(tmp_path, other),
    ):
        pass
    assert workdir.Workdir(tmp_path).read_config()["total_steps"] == 12


def test_a_second_job_is_refused(tmp_path):
    """Protects checkpoints from two writers; the message says who holds the directory."""
    config = toy_config()
    with (
        workdir.claim(tmp_path, config),
        pytest.raises(BadUsage, match="is in use by process"),
        workdir.claim(tmp_path, config),
    ):
        pass
    with workdir.claim(tmp_path, config):
        pass


def test_not_a_working_directory(tmp_path):
    """Protects evaluate and predict from a wrong path."""
    with pytest.raises(BadUsage, match=r"no config.json"):
        workdir.Workdir(tmp_path).read_config()
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(BadUsage, match="cannot write"),
        workdir.claim(tmp_path / "file", toy_config()),
    ):
        pass


def test_a_damaged_config_is_named(tmp_path):
    """Protects from a traceback: a half-edited config.json is one line."""
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(BadUsage, match=r"config.json cannot be read"):
        workdir.Workdir(tmp_path).read_config()


def test_text_is_replaced_whole(tmp_path):
    """Protects readers of summary.json: no temporary file stays, the text is the new one."""
    directory = workdir.Workdir(tmp_path)
    directory.write_summary({"step": 1})
    directory.write_summary({"step": 2})
    assert json.loads(directory.summary_file.read_text()) == directory.read_summary() == {"step": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_a_run_of_an_earlier_release_goes_on(tmp_path):
    """Protects a run over an update: renamed and added fields are no other config, but a changed
    value is, by its name of today. A field that came later has the value that changes nothing."""
    today = layout.make("tiny")
    with today.unlocked():
        today.update_from_flattened_dict(compatibility.ADDED_FIELDS)
    names = {new: old for old, new in compatibility.RENAMED_FIELDS.items()}
    fields = config_fields.flatten(today.to_dict())
    old = {
        names.get(name, name): fields[name]
        for name in fields.keys() - compatibility.ADDED_FIELDS.keys()
    }
    (tmp_path / "config.json").write_text(json.dumps(compatibility.nest(old)))
    with workdir.claim(tmp_path, today):
        pass
    other = compatibility.nest(old | {"optim.lr_rest": 1})
    (tmp_path / "config.json").write_text(json.dumps(other))
    with (
        pytest.raises(BadUsage, match=r"\(optim.groups.rest.lr 1 -> 0.001\)"),
        workdir.claim(tmp_path, today),
    ):
        pass


@pytest.mark.parametrize(
    ("family", "added"),
    [
        (document, compatibility.ADDED_DOCUMENT_FIELDS),
        (document_answers, compatibility.ADDED_ANSWER_FIELDS),
    ],
)
def test_a_document_run_of_before_goes_on(tmp_path, family, added):
    """Protects document runs likewise: fields that came later are set to what changes nothing."""
    config = family.make("base")
    fields = config_fields.flatten(config.to_dict())
    assert {name: fields[name] for name in added} == added
    old = {name: value for name, value in fields.items() if name not in added}
    (tmp_path / "config.json").write_text(json.dumps(compatibility.nest(old)))
    with workdir.claim(tmp_path, config):
        pass
