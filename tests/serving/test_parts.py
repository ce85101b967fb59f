"""The optional parts of the service, around models that answer at once: fallback, shadows, rate
limits, drift, kept sections."""

import hashlib
import json
import threading
import time

import numpy as np
import pytest

from tests.serving.client import Inside, problem
from tests.serving.stub import served
from xojl_jax.errors import BadUsage
from xojl_jax.serving import histograms
from xojl_jax.serving.access import Access, RateLimit, parse_rate
from xojl_jax.serving.app import Service, Settings, make_app
from xojl_jax.serving.drift import LEAST, Confidence, Drift
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.shadow import Shadow
from xojl_jax.serving.unsure import Unsure
from xojl_jax.serving.versions import Versions
from xojl_jax.serving.watching import Watching

BASELINE = {"baseline": {"guess": "guessed"}}


@pytest.fixture
def start():
    """(models, settings, parts) -> the service and a client of it; closed after the test."""
    running = []

    def make(models, watchers=lambda versions, metrics: [], drift=None, access=None, **settings):
        versions, metrics = Versions(models, seed=0), Metrics()
        watching = [Watching(watchers(versions, metrics), metrics)]
        service = Service(
            versions,
            metrics,
            Settings(**settings),
            access=access,
            drift=drift,
            watching=watching,
        )
        running.append(service)
        return service, Inside(make_app(service))

    yield make
    for service in running:
        service.close()


def eventually(condition, seconds: float = 20.0):
    """What the condition gives once it is true: watchers see answers after clients have them."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


# --- fallback ----------------------------------------------------------------------------------


def test_an_error_is_answered_by_the_next_one(start):
    """Protects answers where a model fails: the smaller one's, then the baseline's, each named."""
    models = [
        served("base", fails=True, training=BASELINE),
        served("small", weight=0),
        served("broken", weight=0, fails=True),
    ]
    _, client = start(models, fallback=("broken", "small", "tags"))
    answer = client.post("/v1/words", json={"word": "a"})
    told = answer.json()
    assert (told["model"], told["version"], told["answer"]) == ("small", "small-1", "a")
    assert told["fallback"] == {"from": "base", "reason": "error"}
    assert answer.headers["x-model"] == "small"
    _, client = start([served("base", fails=True, training=BASELINE)], fallback=("tags",))
    told = client.post("/v1/words", json={"sections": [{"word": "a"}, {"word": "b"}]}).json()
    assert (told["model"], told["version"]) == ("tags", "tags-base-1")
    assert [each["answer"] for each in told["sections"]] == ["guessed", "guessed"]
    counters = client.get("/metrics").text
    assert 'xojl_fallback_total{model="base",reason="error",to="tags"} 1.0' in counters


def test_overload_and_deadlines_fall_back(start):
    """Protects answers where a model is too slow: the baseline takes what does not fit."""
    base = served("base", queue=1, delay=0.3, training=BASELINE)
    _, client = start([base], fallback=("tags",))
    answers = client.together(12, "/v1/words", json={"word": "a"})
    assert {each.status_code for each in answers} == {200}
    reasons = [each.json().get("fallback", {}).get("reason") for each in answers]
    assert set(reasons) == {None, "overload"}
    late = served("late", delay=3.0, training=BASELINE)
    _, client = start([late], fallback=("tags",), timeout=2.0)
    assert client.post("/v1/words", json={"word": "a"}).json()["fallback"]["reason"] == "deadline"


def test_nobody_else_answers_unasked(start, caplog):
    """Protects comparisons and trust: without the option, where the client names its model, and
    where nobody can answer, the error stays what it was. The log has no contents."""
    model = served("base", fails=True, training=BASELINE)
    _, client = start([model])
    problem(client.post("/v1/words", json={"word": "a"}), 500, "number")
    _, client = start([served("base", fails=True, training=BASELINE)], fallback=("tags",))
    named = {"X-Model": "base"}
    problem(client.post("/v1/words", json={"word": "a"}, headers=named), 500)
    problem(client.post("/v1/words", json={"word": "unguessable"}), 500)
    problem(client.post("/v1/words", json={"word": 7}), 422, "must be a string")
    assert "a secret" not in caplog.text
    model = served("base", queue=1, delay=0.3)
    _, client = start([model], fallback=("tags",))
    answers = client.together(8, "/v1/words", json={"word": "a"})
    refused = [each for each in answers if each.status_code != 200]
    assert refused
    for each in refused:
        problem(each, 503, "try again")
        assert int(each.headers["retry-after"]) >= 1


# --- shadows -----------------------------------------------------------------------------------


def test_a_shadow_is_compared_and_never_waited_for(start):
    """Protects trials of a new model: its answers are counted, slow or broken as it may be."""
    gate = threading.Event()
    models = [served("base"), served("new", weight=0), served("bad", weight=0, fails=True)]
    answer = models[1].model.answer
    models[1].model.answer = lambda *given: gate.wait(10) and answer(*given)
    shares = {"new": 1.0, "bad": 1.0}
    _, client = start(models, lambda *known: [Shadow(*known, shares, seed=0)])
    for _ in range(3):
        assert client.post("/v1/words", json={"word": "a"}).json()["model"] == "base"
    assert "xojl_shadow_total{" not in client.get("/metrics").text  # it has not answered yet
    gate.set()
    same = 'xojl_shadow_total{model="base",result="same",shadow="new"} 3.0'
    counters = eventually(lambda: same in (text := client.get("/metrics").text) and text)
    assert 'result="error",shadow="bad"} ' in counters


def test_the_share_of_a_shadow_is_kept(start):
    """Protects capacity: one in ten is one in ten."""
    seen = []
    shadow = Shadow(None, None, {"new": 0.1}, seed=0)
    shadow._compare = lambda *given: seen.append(given)
    answered = type("Answered", (), {"name": "base", "fallback": ""})
    for _ in range(5000):
        shadow.see(answered)
    assert 400 < len(seen) < 600


def test_what_cannot_be_watched_is_left_out():
    """Protects memory: a watcher that hangs has a bounded backlog, one that fails harms nobody."""
    gate, seen, metrics = threading.Event(), [], Metrics()

    class Slow:
        def see(self, answered):
            gate.wait(10)
            raise ValueError

    class Counting:
        def see(self, answered):
            seen.append(answered)

    watching = Watching([Slow(), Counting()], metrics, backlog=4)
    for number in range(20):
        watching.tell(number)
    assert b"xojl_unwatched_total 16.0" in metrics.text()
    gate.set()
    eventually(lambda: len(seen) == 4)
    watching.tell(20)
    eventually(lambda: len(seen) == 5)
    watching.close()


# --- who may ask -------------------------------------------------------------------------------


def test_a_client_has_its_rate_and_no_more():
    """Protects a shared service: as many at once as a period allows, then one by one."""
    now = [0.0]
    limit = RateLimit(3, 60.0, clock=lambda: now[0])
    assert [limit.wait("a") for _ in range(3)] == [0, 0, 0]
    assert limit.wait("a") == pytest.approx(20)
    assert limit.wait("b") == 0
    now[0] = 20.0
    assert limit.wait("a") == 0 and limit.wait("a") == pytest.approx(20)
    now[0] = 1000.0
    assert [limit.wait("a") > 0 for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize("count", [1, 7, 100])
def test_a_rate_holds_over_time(count):
    """Protects from drift of sums: a client that always asks gets `count` a period, plus its
    first burst."""
    now = [0.0]
    limit = RateLimit(count, 60.0, clock=lambda: now[0])
    allowed = 0
    for second in range(600):
        now[0] = float(second)
        for _ in range(3):
            allowed += not limit.wait("a")
    most = count * 10 + count
    assert min(most, 1800) - 3 <= allowed <= most


def test_clients_that_were_not_seen_for_long_are_forgotten():
    """Protects memory from a crowd of addresses."""
    limit = RateLimit(1, 60.0, clients=100, clock=lambda: 0.0)
    for number in range(1000):
        assert limit.wait(str(number)) == 0
    assert len(limit._whole) == 100 and limit.wait("999") > 0


def test_too_many_requests_are_429(start):
    """Protects others: by key where there is one, by address otherwise, with the time to wait."""
    keys = frozenset(hashlib.sha256(key).digest() for key in (b"one", b"two"))
    service, client = start([served("base")], access=Access(keys, parse_rate("2/minute")))

    def ask(client, key):
        headers = {"x-api-key": key}
        return client.post("/v1/words", json={"word": "a"}, headers=headers)

    assert [ask(client, "one").status_code for _ in range(3)] == [200, 200, 429]
    refused = ask(client, "one")
    problem(refused, 429, "too many requests of this client")
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert ask(client, "two").status_code == 200
    # Guesses at keys count for their address.
    assert [ask(client, "wrong").status_code for _ in range(3)] == [401, 401, 429]
    # One network of 64 bits is one client.
    crowd = [Inside(make_app(service), f"2001:db8::{n}") for n in range(1, 4)]
    assert [ask(each, "wrong").status_code for each in crowd] == [401, 401, 429]
    assert ask(Inside(make_app(service), "2001:db9::1"), "wrong").status_code == 401


@pytest.mark.parametrize("text", ["60", "0/minute", "5/week", "-1/hour", "1.5/hour", "/day"])
def test_a_rate_is_a_number_of_requests_a_period(text):
    """Protects operators who mistype."""
    with pytest.raises(BadUsage, match="NUMBER/PERIOD"):
        parse_rate(text)


# --- drift -------------------------------------------------------------------------------------


def features(rng, shift: float = 0.0, word: str = "div"):
    words = rng.choice([word, "p", "a"], size=8, p=[0.6, 0.3, 0.1]).tolist()
    return {"width": float(rng.normal(1000 + shift, 100)), "tags": words}


def test_distances_tell_a_change_from_chance():
    """Protects operators from false alarms and from silence, whatever the number of records."""
    rng = np.random.default_rng(0)
    for records, inputs in ((60, 50), (500, 1000)):
        known = histograms.fit(features(rng) for _ in range(records))
        json.dumps(known, allow_nan=False)

        def away(name, known=known, inputs=inputs, **changes):
            sums = [
                histograms.sums_of(known[name], features(rng, **changes)[name])
                for _ in range(inputs)
            ]
            return histograms.distance(known[name], histograms.count(sums), inputs)

        assert away("width") < 0.1 and away("tags") < 0.1
        assert away("width", shift=150.0) > 0.25
        assert away("tags", word="marquee") > 0.25


def test_whole_numbers_and_constants_have_bins():
    """Protects small data: one width, few heights, a word that all have."""
    samples = [{"width": 1280.0, "height": float(h), "kind": ["a"]} for h in (1, 1, 1, 2)]
    known = histograms.fit(samples)
    for name, value in samples[0].items():
        sums = [histograms.sums_of(known[name], value)] * 50
        assert histograms.distance(known[name], histograms.count(sums), 50) < 0.3, name
    other = [histograms.sums_of(known["width"], 1281.0)] * 50
    assert histograms.distance(known["width"], histograms.count(other), 50) > 1


def test_drift_of_what_is_asked_is_shown(start):
    """Protects from silent change: gauges by feature once there are enough inputs, and none for a
    model that has no statistics."""
    samples = ({"length": 1.0 + n % 3, "letters": list("ab")} for n in range(60))
    training = {"inputs": histograms.fit(samples)}
    drift = Drift()
    models = [served("base", training=training, queue=99), served("old", weight=0, queue=99)]
    watchers = lambda versions, metrics: [drift, Confidence(metrics)]  # noqa: E731
    _, client = start(models, watchers, drift=drift)
    sections = [{"word": word} for word in ("a", "ab", "aba", "ba", "b")]
    for _ in range(LEAST // 5):
        client.post("/v1/words", json={"sections": sections})
    client.post("/v1/words", json={"sections": sections}, headers={"x-model": "old"})

    def gauge(feature):
        lines = client.get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith("xojl_input_drift{")]
        assert not [line for line in found if 'model="old"' in line]
        (value,) = [float(x.split()[-1]) for x in found if f'"{feature}"' in x] or [None]
        return value

    eventually(lambda: gauge("length") is not None)
    assert gauge("length") < 0.3 and gauge("letters") < 0.3
    for _ in range(LEAST):
        client.post("/v1/words", json={"word": "zzzzzzzz"})
    eventually(lambda: gauge("length") > 0.25 and gauge("letters") > 0.25)
    counters = client.get("/metrics").text
    assert "xojl_confidence_count{" in counters and 'xojl_model{model="base"' in counters


# --- kept sections -------------------------------------------------------------------------------


def test_unsure_sections_are_kept_up_to_a_size(start, tmp_path):
    """Protects disks, and those whose contents are sure enough to be left alone."""
    folder = tmp_path / "kept"

    def watchers(versions, metrics):
        return [Unsure(folder, 0.5, 150, metrics)]

    _, client = start([served("base")], watchers)
    for word in ("sure", "unsure", "sure", *["unsure"] * 9):
        client.post("/v1/words", json={"word": word})
    eventually(lambda: "xojl_kept_total" in client.get("/metrics").text)
    time.sleep(0.1)
    text = (folder / "records.jsonl").read_text()
    kept = [json.loads(line) for line in text.splitlines()]
    assert {word for _, word, _ in kept} == {"unsure"}
    assert 150 <= len(text) < 250 and 2 <= len(kept) < 9
    # The size counts across starts.
    before = len(kept)
    _, client = start([served("base")], watchers)
    client.post("/v1/words", json={"word": "unsure"})
    time.sleep(0.1)
    assert len((folder / "records.jsonl").read_text().splitlines()) == before
    assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(BadUsage, match="cannot be written"):
        Unsure(folder / "records.jsonl", 0.5, 100, Metrics())
