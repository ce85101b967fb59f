"""The files that launch the service and watch it agree with it and with each other."""

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.launch.conftest import LAUNCH, ROOT
from xojl_jax import serve
from xojl_jax.serving.metrics import Metrics

SERVE = LAUNCH / "serve"
APP = ROOT / "xojl_jax/serving/app.py"
METRIC = re.compile(r"\bxojl_\w+")
PORT = 8000
# Fields, from the reference of the Kubernetes API 1.33.
KUBERNETES = {
    "container": "name image command args ports env resources startupProbe livenessProbe "
    "readinessProbe lifecycle securityContext volumeMounts",
    "pod": "terminationGracePeriodSeconds securityContext containers volumes nodeSelector",
    "probe": "httpGet periodSeconds timeoutSeconds failureThreshold initialDelaySeconds",
}


def dockerfile() -> list[tuple[str, str]]:
    """(instruction, arguments) of the image, comments dropped, lines joined."""
    text = (LAUNCH / "docker/serve.Dockerfile").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.M)
    lines = filter(None, re.sub(r"\\\n\s*", " ", text).splitlines())
    return [tuple(line.split(maxsplit=1)) for line in lines]


def metrics_there_are() -> set[str]:
    """Names of all series that `/metrics` may have."""
    endings = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    return {
        family.name + ending
        for family in Metrics().registry.collect()
        for ending in endings[family.type]
    }


@pytest.mark.parametrize(
    "name", ["alerts.yaml", "alerts_test.yaml", "grafana/dashboard.json"], ids=str
)
def test_what_is_watched_exists(name):
    """Protects alerts and panels from silence: a metric that was renamed never fires."""
    named = set(METRIC.findall((SERVE / name).read_text())) - {"xojl_jax"}
    assert len(named) > 8 and named <= metrics_there_are(), named - metrics_there_are()


def test_alert_rules_fire_when_they_should():
    """Protects who is on call, by Prometheus' own tool: each rule is tried with and without its
    fault."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    for verb, name in (("check", "alerts.yaml"), ("test", "alerts_test.yaml")):
        command = [promtool, verb, "rules", str(SERVE / name)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    config = [promtool, "check", "config", str(SERVE / "prometheus.yaml")]
    assert subprocess.run(config, capture_output=True, timeout=60).returncode == 0


def test_every_alert_is_tried():
    """Protects from a rule that nobody ever saw fire."""
    rules = yaml.safe_load((SERVE / "alerts.yaml").read_text())["groups"][0]["rules"]
    cases = yaml.safe_load((SERVE / "alerts_test.yaml").read_text())["tests"]
    fired = {t["alertname"] for case in cases for t in case["alert_rule_test"] if "exp_alerts" in t}
    assert fired == {rule["alert"] for rule in rules}
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"]


def test_the_dashboard_is_one():
    """Protects Grafana's import: its fields, a place for each panel, a source that is there."""
    board = json.loads((SERVE / "grafana/dashboard.json").read_text())
    assert board["uid"] and board["title"] and board["schemaVersion"] >= 36
    source = yaml.safe_load((SERVE / "grafana/datasource.yaml").read_text())["datasources"][0]
    assert source["uid"] == "prometheus" and source["isDefault"]
    places, ids = set(), set()
    for panel in board["panels"]:
        assert panel["datasource"]["uid"] == source["uid"] and panel["targets"]
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        places.add((at["x"], at["y"]))
        ids.add(panel["id"])
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")")
    assert len(places) == len(ids) == len(board["panels"])


def test_the_image_serves():
    """Protects `docker run`: the flags are known, what is copied exists and is let through, no
    root, pinned versions, the port and the health check are the service's."""
    found = dockerfile()
    words = dict(found)
    command = json.loads(words["ENTRYPOINT"])
    assert command[:3] == ["python", "-m", "xojl_jax.serve"]
    flags = serve.parse([*command[3:], "--model=x"])
    assert (flags.host, flags.port) == ("0.0.0.0", PORT) and words["EXPOSE"] == str(PORT)
    assert f"127.0.0.1:{PORT}/readyz" in words["HEALTHCHECK"]
    assert [rest for name, rest in found if name == "FROM"] == ["python:${PYTHON}-slim"]
    assert words["USER"] == "1000"
    runs = [rest for name, rest in found if name == "RUN"]
    assert sum("--constraint requirements.txt" in run for run in runs) == 1
    for run in runs:
        subprocess.run(["bash", "-n", "-c", run], check=True, timeout=10)
    copied = {path for name, rest in found if name == "COPY" for path in rest.split()[:-1]}
    ignore = (LAUNCH / "docker/serve.Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignore and {line[1:] for line in ignore if line.startswith("!")} == copied
    assert all((ROOT / path).exists() for path in copied)


@pytest.mark.slow
def test_the_steps_of_the_image_give_a_service(tmp_path):
    """Protects the build where there is no Docker: its steps in a fresh environment, with nothing
    but what it copies."""
    found = dockerfile()
    app, python = tmp_path / "app", tmp_path / "env/bin/python"
    app.mkdir()
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True, timeout=120)
    env = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "EXTRAS": "serve"}
    for name, rest in found:
        if name == "COPY":
            *sources, target = rest.split()
            (app / target).mkdir(exist_ok=True)
            for path in (ROOT / source for source in sources):
                if path.is_dir():
                    shutil.copytree(path, app / target, dirs_exist_ok=True)
                else:
                    shutil.copy(path, app / target)
        elif name == "RUN" and rest.startswith("pip"):
            subprocess.run(["bash", "-ec", rest], cwd=app, env=env, check=True, timeout=1500)
    command = json.loads(dict(found)["ENTRYPOINT"])
    done = subprocess.run(
        [*command, f"--model={tmp_path}"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 3 and "is no exported model" in done.stderr, done.stderr


def test_compose_starts_all_three():
    """Protects `docker compose up`: files that are mounted exist, ports and names agree."""
    services = yaml.safe_load((SERVE / "compose.yaml").read_text())["services"]
    assert services.keys() == {"serve", "prometheus", "grafana"}
    assert (SERVE / services["serve"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / services["serve"]["build"]["dockerfile"]).is_file()
    assert serve.parse(services["serve"]["command"]).model
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (SERVE / source).is_file(), source
    scraped = yaml.safe_load((SERVE / "prometheus.yaml").read_text())
    (job,) = scraped["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"serve:{PORT}"]}]
    assert job["job_name"] == "xojl" and f'"{job["metrics_path"]}"' in APP.read_text()
    assert all((SERVE / name).is_file() for name in scraped["rule_files"])


def test_tensorflow_serving_finds_the_model():
    """Protects a SavedModel's way into TensorFlow Serving: fields of its ModelServerConfig, and the
    folder that the documented command mounts."""
    text = (SERVE / "tensorflow_serving.config").read_text()
    fields = set(re.findall(r"(\w+)(?=:| \{)", re.sub(r"#.*|\"[^\"]*\"", "", text)))
    known = "model_config_list config name base_path model_platform model_version_policy latest"
    assert fields <= {*known.split(), "num_versions"}
    assert text.count("{") == text.count("}") and 'model_platform: "tensorflow"' in text
    (base,) = re.findall(r'base_path: "(.+)"', text)
    documented = (ROOT / "docs/serving.md").read_text()
    assert f":{base} " in documented and "launch/serve/tensorflow_serving.config:" in documented


def test_kubernetes_agrees_with_the_service():
    """Protects a rollout: known fields, probes on paths that exist, ports and labels that meet,
    time enough to end."""
    documents = list(yaml.safe_load_all((SERVE / "kubernetes.yaml").read_text()))
    by_kind = {each["kind"]: each for each in documents}
    deployment = by_kind["Deployment"]["spec"]
    pod, labels = deployment["template"]["spec"], deployment["template"]["metadata"]["labels"]
    assert pod.keys() <= set(KUBERNETES["pod"].split())
    (container,) = pod["containers"]
    assert container.keys() <= set(KUBERNETES["container"].split())
    flags = serve.parse(container["args"])
    (port,) = container["ports"]
    assert port["containerPort"] == PORT
    annotations = deployment["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(PORT)
    paths = {annotations["prometheus.io/path"]}
    for kind, path in (("startup", "/healthz"), ("liveness", "/healthz"), ("readiness", "/readyz")):
        probe = container[f"{kind}Probe"]
        assert probe.keys() <= set(KUBERNETES["probe"].split())
        assert probe["httpGet"] == {"path": path, "port": port["name"]}
        paths.add(path)
    assert all(f'@app.get("{path}"' in APP.read_text() for path in paths)
    service = by_kind["Service"]["spec"]
    assert service["ports"][0]["targetPort"] == port["name"]
    selectors = (
        service["selector"],
        deployment["selector"]["matchLabels"],
        by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    )
    assert all(selector.items() <= labels.items() for selector in selectors)
    target = by_kind["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (
        "Deployment",
        by_kind["Deployment"]["metadata"]["name"],
    )
    wait = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] >= wait + flags.timeout + flags.body_timeout + 5
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    assert pod["securityContext"]["runAsUser"] == 1000 and pod["securityContext"]["runAsNonRoot"]
