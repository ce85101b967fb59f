"""What an answer about a page takes, by part: the prompt, the page, the tokens that are written.

  python -m benchmarks.answer_time --preset=tiny
  python -m benchmarks.answer_time --preset=small --sentence-encoder=all-MiniLM-L6-v2

With random parameters, but for those of a published sentence encoder, which reads the prompt in
place of our own: what was learned decides the number of tokens alone, and that is given. Times are
medians of one page, compiled before.
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from benchmarks.buckets import describe_machine
from configs import document_tune
from xojl_jax import command
from xojl_jax.documents.answers import Question
from xojl_jax.nn.decoder import cache_lengths
from xojl_jax.tasks.document.answering.prompt import Prompt
from xojl_jax.tasks.document.answering.task import DocumentAnswersTask

PROMPT = "What is the total amount of this invoice, taxes included?"


def main(argv: list[str]) -> None:
    flags = parse(argv)
    config = document_tune.get_config(flags.preset)
    if flags.sentence_encoder:
        config.prompt.encoder, config.prompt.pretrained = "published", flags.sentence_encoder
    task = DocumentAnswersTask(config)
    kind = config.prompt.encoder
    print(f"{describe_machine()}; preset {flags.preset}, prompt encoder '{kind}'", flush=True)
    for name, run in parts(task, flags.tokens):
        jax.block_until_ready(run())
        seconds = statistics.median(timed(run) for _ in range(flags.rounds))
        print(f"{name:28s} {1e3 * seconds:9.2f} ms", flush=True)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.answer_time",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--preset", default="tiny", help="of configs/document_tune.py (tiny)")
    parser.add_argument("--sentence-encoder", metavar="FOLDER", help="of the BERT form, published")
    parser.add_argument("--tokens", type=int, default=32, help="of the answer (default 32)")
    parser.add_argument("--rounds", type=int, default=15, help="default 15")
    return parser.parse_args(argv)


def parts(task: DocumentAnswersTask, tokens: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """(what is timed, a function that does it)."""
    abstract = nn.meta.unbox(jax.eval_shape(task.init, jax.random.key(0)))
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda x: jnp.asarray(rng.normal(0, 0.02, x.shape), x.dtype), abstract)
    page, word = task.featurizer, "word"
    spec = task.spec
    prepared = page.pages.prepare_words([word] * spec.max_tokens, np.ones((spec.max_tokens, 4)))
    picture = page.pages.shrink(np.zeros((spec.image_height, spec.image_width, 3), np.uint8))
    ask = functools.partial(page.finish, prepared, picture, (word,) * spec.max_tokens)
    question = Question("question", PROMPT)
    yield "page and prompt to arrays", lambda: ask(question)

    batch = {name: jnp.asarray(array)[None] for name, array in ask(question).items()}
    model, config = task.model(), task.model_config
    prompt = jax.jit(lambda p, batch: Prompt(config).apply({"params": p["prompt"]}, batch))
    yield "prompt encoder", lambda: prompt(params, batch)

    apply = functools.partial(model.apply, method="encode")
    encode = jax.jit(lambda p, batch: apply({"params": p}, batch))
    yield "prompt encoder and page", lambda: encode(params, batch)

    @jax.jit
    def write(params, encoded):
        run = functools.partial(model.apply, {"params": params})
        cache = run(encoded, cache_lengths(config.max_length)[0], method="start_cache")

        def step(position, state):
            token, cache = state
            logits, cache = run(encoded, cache, position, token, method="next_logits")
            return logits.argmax(-1).astype(jnp.int32), cache

        return jax.lax.fori_loop(0, tokens, step, (jnp.zeros(1, jnp.int32), cache))[0]

    encoded = encode(params, batch)
    yield f"decoder, {tokens} tokens", lambda: write(params, encoded)


def timed(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - began


if __name__ == "__main__":
    command.run(main)
