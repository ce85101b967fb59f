"""The launch files themselves, rendered and held to the formats that they are written in."""

import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.launch.conftest import LAUNCH, ROOT, printed_by_tpu_vm, shell_words
from xojl_jax import train

SHELL = [LAUNCH / name for name in ("keep_running.sh", "tpu_vm.sh", "slurm.sbatch")]

# Flags, from `gcloud compute tpus … --help` of Google Cloud SDK 528.
GCLOUD = {
    "queued-resources create": "node-id accelerator-type runtime-version spot project zone",
    "queued-resources list": "filter format project zone",
    "queued-resources delete": "force quiet project zone",
    "tpu-vm ssh": "worker command project zone",
    "tpu-vm scp": "worker project zone",
}
# Options, from the manual of sbatch 22.05, and the form of their values.
SBATCH = {
    "job-name": r"\w+",
    "nodes": r"\d+",
    "gpus-per-node": r"\d+",
    "ntasks-per-node": r"\d+",
    "cpus-per-task": r"\d+",
    "time": r"(\d+-)?\d+:\d\d:\d\d",
    "signal": r"TERM@\d+",
    "requeue": "",
    "open-mode": "append|truncate",
    "output": r"\S+",
}
# Fields, from the custom resource definition of JobSet v1alpha2 and the Kubernetes API v1.
JOBSET = {
    "spec": "replicatedJobs network successPolicy failurePolicy startupPolicy suspend coordinator "
    "managedBy ttlSecondsAfterFinished volumeClaimPolicies",
    "replicated job": "name groupName template replicas dependsOn",
    "failure policy": "maxRestarts restartStrategy rules",
    "rule": "name action targetReplicatedJobs onJobFailureReasons onJobFailureMessagePatterns",
    "job": "parallelism completions completionMode backoffLimit podFailurePolicy template",
    "pod": "restartPolicy terminationGracePeriodSeconds nodeSelector tolerations containers "
    "volumes",
    "container": "name image command securityContext env ports resources volumeMounts",
}
# Fields, from sky/utils/schemas.py of SkyPilot 0.14.
SKYPILOT = {
    "task": "name workdir num_nodes resources file_mounts setup run envs",
    "resources": "accelerators use_spot disk_size job_recovery",
    "job_recovery": "strategy max_restarts_on_errors recover_on_exit_codes",
    "storage": "name source store persistent mode",
}


def only(fields: dict, table: dict[str, str], kind: str) -> dict:
    """The fields, none of which the table does not know."""
    assert fields.keys() <= set(table[kind].split()), kind
    return fields


def shellcheck() -> str | None:
    beside_python = Path(sys.executable).with_name("shellcheck")
    return str(beside_python) if beside_python.exists() else shutil.which("shellcheck")


@pytest.mark.parametrize("path", SHELL, ids=lambda path: path.name)
def test_shell_files_are_sound(path):
    """Protects shell from typing errors, and from what shellcheck knows where it is installed."""
    subprocess.run(["bash", "-n", path], check=True, timeout=10)
    if (checker := shellcheck()) is not None:
        done = subprocess.run([checker, path], capture_output=True, text=True, timeout=20)
        assert not done.returncode, done.stdout


@pytest.mark.parametrize("verb", ["up", "status", "logs", "stop", "delete"])
def test_tpu_vm_prints_commands_that_gcloud_knows(verb):
    """Protects the TPU script: known groups, known flags, bash that parses on the other side."""
    seen = 0
    for words in printed_by_tpu_vm(verb):
        if words[0] != "gcloud":
            assert words[:2] == ["git", "archive"]
            continue
        assert words[1:3] == ["compute", "tpus"]
        flags = {word[2:].partition("=")[0] for word in words if word.startswith("--")}
        group = " ".join(words[3:5])
        assert flags <= set(GCLOUD[group].split()), group
        assert {"project", "zone"} <= flags
        for word in words:
            if word.startswith("--command="):
                remote = word.removeprefix("--command=")
                subprocess.run(["bash", "-n", "-c", remote], check=True, timeout=10)
        seen += 1
    assert seen


def test_tpu_vm_without_a_verb_teaches():
    """Protects newcomers: the verbs are listed, and nothing is run."""
    done = subprocess.run([LAUNCH / "tpu_vm.sh"], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2
    for verb in ("watch", "up", "logs", "status", "stop", "delete", "PRINT=1"):
        assert verb in done.stderr


def test_slurm_options_stand_before_the_first_command():
    """Protects the job: sbatch reads no option after a command, and says nothing of it."""
    lines = (LAUNCH / "slurm.sbatch").read_text().splitlines()
    options, began = {}, False
    for line in lines:
        if line.startswith("#SBATCH"):
            assert not began, line
            name, _, value = line.removeprefix("#SBATCH --").partition("=")
            assert re.fullmatch(SBATCH[name], value), line
            options[name] = value
        began |= bool(line) and not line.startswith("#")
    assert options["gpus-per-node"] == options["ntasks-per-node"]
    assert "requeue" in options
    assert f"code == {train.PREEMPTED}" in "\n".join(lines)


def test_jobset_is_a_jobset():
    """Protects the manifest: known fields, and numbers that agree with the slice."""
    document = yaml.safe_load((LAUNCH / "gke_jobset.yaml").read_text())
    assert document.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert (document["apiVersion"], document["kind"]) == ("jobset.x-k8s.io/v1alpha2", "JobSet")
    assert all(isinstance(v, str) for v in document["metadata"]["annotations"].values())
    spec = only(document["spec"], JOBSET, "spec")
    (replicated,) = spec["replicatedJobs"]
    job = only(only(replicated, JOBSET, "replicated job")["template"]["spec"], JOBSET, "job")
    pod = only(job["template"]["spec"], JOBSET, "pod")
    (container,) = pod["containers"]
    only(container, JOBSET, "container")
    # A pod that fails is not replaced by the job: the job set starts all of them anew.
    assert (pod["restartPolicy"], job["backoffLimit"]) == ("Never", 0)
    assert job["completionMode"] == "Indexed"
    chips = int(container["resources"]["limits"]["google.com/tpu"])
    topology = pod["nodeSelector"]["cloud.google.com/gke-tpu-topology"]
    assert job["parallelism"] * chips == math.prod(map(int, topology.split("x")))
    assert job["completions"] == job["parallelism"]
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}


def test_jobset_restarts_on_interruption_and_ends_on_mistakes():
    """Protects the budget: 2 and 3 end the job set, everything else resumes."""
    spec = yaml.safe_load((LAUNCH / "gke_jobset.yaml").read_text())["spec"]
    policy = only(spec["failurePolicy"], JOBSET, "failure policy")
    assert policy["maxRestarts"] > 0
    (rule,) = policy["rules"]
    assert only(rule, JOBSET, "rule")["onJobFailureReasons"] == ["PodFailurePolicy"]
    assert rule["action"] == "FailJobSet"
    (pods,) = spec["replicatedJobs"][0]["template"]["spec"]["podFailurePolicy"]["rules"]
    codes = pods["onExitCodes"]
    assert (pods["action"], codes["operator"], codes["values"]) == ("FailJob", "In", [2, 3])
    assert train.PREEMPTED not in codes["values"]


def missing(written, read, where: str = "") -> list[str]:
    """Paths of what was written and not read back equal; defaults may have been added."""
    if read is None:
        return [where]
    if isinstance(written, dict):
        pairs = ((f"{where}.{name}", value, read.get(name)) for name, value in written.items())
    elif isinstance(written, list):
        pairs = ((f"{where}[{i}]", value, read[i]) for i, value in enumerate(written))
    else:
        return [] if written == read else [where]
    return [path for name, value, other in pairs for path in missing(value, other, name)]


def test_jobset_agrees_with_the_models_of_its_api():
    """Protects every nested field, where the API's generated models are installed."""
    models = pytest.importorskip("kubeflow_trainer_api.models")
    document = yaml.safe_load((LAUNCH / "gke_jobset.yaml").read_text())
    read = models.JobsetV1alpha2JobSet.from_dict(document).to_dict()
    assert missing(document, read) == []


def test_skypilot_task_recovers_by_exit_code():
    """Protects the spot job: known fields, and 75 recovers without counting."""
    task = yaml.safe_load((LAUNCH / "skypilot.yaml").read_text())
    only(task, SKYPILOT, "task")
    resources = only(task["resources"], SKYPILOT, "resources")
    recovery = only(resources["job_recovery"], SKYPILOT, "job_recovery")
    assert recovery["recover_on_exit_codes"] == [train.PREEMPTED]
    assert resources["use_spot"] is True
    for storage in task["file_mounts"].values():
        assert only(storage, SKYPILOT, "storage")["mode"] == "MOUNT_CACHED"
    for script in (task["setup"], task["run"]):
        subprocess.run(["bash", "-n", "-c", script], check=True, timeout=10)


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the Dockerfile, comments dropped, lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (LAUNCH / "docker/Dockerfile").read_text(), flags=re.M)
    lines = filter(None, re.sub(r"\\\n\s*", " ", text).splitlines())
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_the_image_copies_what_is_there_and_is_let_through():
    """Protects the build: each path exists and passes .dockerignore; nothing else goes in."""
    copied = {path for name, rest in instructions() if name == "COPY" for path in rest.split()[:-1]}
    ignore = (LAUNCH / "docker/Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignore
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
    for path in copied:
        assert (ROOT / path).exists(), path


def test_the_image_is_pinned_and_unprivileged():
    """Protects users of the image: an official base, pinned versions, no root, known words."""
    found = instructions()
    words = {"ARG", "FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "CMD"}
    assert {name for name, _ in found} == words
    assert [rest for name, rest in found if name == "FROM"] == ["python:${PYTHON}-slim"]
    assert [rest for name, rest in found if name == "USER"] == ["1000"]
    first = next(rest for name, rest in found if name == "RUN" and "pip install" in rest)
    assert "--constraint requirements.txt" in first
    for name, rest in found:
        if name == "RUN":
            subprocess.run(["bash", "-n", "-c", rest], check=True, timeout=10)


def test_the_extras_that_are_named_exist():
    """Protects the install lines: `cuda` and `tpu` are extras of the package."""
    project = (ROOT / "pyproject.toml").read_text()
    for path in LAUNCH.rglob("*"):
        if path.is_file() and path.suffix != ".ipynb":
            for extra in re.findall(r"EXTRA=(\w+)|\.\[(\w+)\]", path.read_text()):
                assert re.search(rf"^{''.join(extra)} = \[", project, re.M), path


def test_what_must_be_changed_stands_at_the_top():
    """Protects people: each file marks its lines to change, within its first half screen or so."""
    for path in (*SHELL[1:], LAUNCH / "gke_jobset.yaml", LAUNCH / "skypilot.yaml"):
        lines = path.read_text().splitlines()
        marks = [i for i, line in enumerate(lines) if "---- change these" in line]
        assert len(marks) == 1, path
        assert marks[0] < 22, path
    assert shell_words("a 'b c'") == ["a", "b c"]
