"""Console commands of an installed package: `xojl-train` is `python -m xojl_jax.train`, and so on.

Each runs its module the way `python -m` does, so that flags, exit codes and worker processes (which
import the main module again) cannot differ between the two.
"""

import functools
import runpy


def _as_main(module: str):
    return functools.partial(runpy.run_module, module, run_name="__main__", alter_sys=True)


train = _as_main("xojl_jax.train")
evaluate = _as_main("xojl_jax.evaluate")
predict = _as_main("xojl_jax.predict")
plan = _as_main("xojl_jax.plan")
export = _as_main("xojl_jax.export")
compress = _as_main("xojl_jax.compress")
serve = _as_main("xojl_jax.serve")
active = _as_main("xojl_jax.active")
self_train = _as_main("xojl_jax.self_train")

# The folder data_prep has no Python of its own above its commands, so theirs are here, too.
capture = _as_main("data_prep.capture")
label = _as_main("data_prep.label")
annotate = _as_main("data_prep.annotate")
fit_labeler = _as_main("data_prep.fit_labeler")
agreement = _as_main("data_prep.agreement")
roundtrip = _as_main("data_prep.roundtrip")
validate = _as_main("data_prep.validate")
synthesize = _as_main("data_prep.synthesize")
synthesize_documents = _as_main("data_prep.synthesize_documents")
build = _as_main("data_prep.build")
beam_build = _as_main("data_prep.beam_build")
screens = _as_main("data_prep.screens")
documents = _as_main("data_prep.documents")
