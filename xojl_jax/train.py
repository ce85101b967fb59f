"""Trains a task: `python -m xojl_jax.train --config=configs/stage4.py:tiny`.

Resumes an interrupted run by itself: the same command, the same working directory.
"""

import contextlib
import errno
import gc
import os
import time

import jax
from absl import flags
from ml_collections import config_flags

from xojl_jax import (
    command,
    compilation_cache,
    config_fields,
    restore,
    sequence,
    tasks,
    teacher,
)
from xojl_jax.data import loader
from xojl_jax.data.order import BatchOrder
from xojl_jax.data.shards import NoSplit
from xojl_jax.engine import (
    checkpoint,
    checkpoint_files,
    compatibility,
    eval_callbacks,
    eval_history,
    evaluation,
    fields,
    goodput,
    local_devices,
    loop,
    processes,
    profiler,
    programs,
    sharding,
    state,
    step,
    telemetry,
    warm_start,
    work,
    workdir,
)
from xojl_jax.engine.saver import Saver
from xojl_jax.errors import BadUsage, UserError
from xojl_jax.planning import chips
from xojl_jax.tasks.base import Bucket, Params, Task

USAGE = """
Trains one stage.

  python -m xojl_jax.train --config=configs/stage4.py:tiny
  python -m xojl_jax.train --config=configs/stage4.py --workdir=runs/mine --config.batch_size=64

--config=FILE[:PRESET]  one of configs/stage1.py … stage4.py; presets are tiny, small and base (the
                        default). configs/base.py and configs/layout.py list every field.
--config.FIELD=VALUE    overrides a field, such as --config.data.path=SHARDS.
--config.sequence="FIELD=VALUE …; FIELD=VALUE …"
                        trains a run for each group of settings, each from the one before;
                        configs/all_stages.py is the four stages.
--workdir=DIR           where everything goes; default runs/stageN-PRESET.
--profile=START:COUNT   traces so many steps, for the Profile tab of TensorBoard.
--wandb=PROJECT         curves and pictures go to Weights & Biases, too.
--compilation_cache=DIR where compiled programs are kept for the next start; off: nowhere.

Running the same command again resumes from the newest checkpoint. Exit codes: 0 done, 2 wrong usage
or config, 3 bad input data, 75 stopped by a signal with everything saved.
"""

# Errors of a disk that is full, broken or read-only.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
PREEMPTED = loop.PREEMPTED

CONFIG = config_flags.DEFINE_config_file("config", None, "FILE[:PRESET]", lock_config=True)
WORKDIR = flags.DEFINE_string("workdir", None, "directory of the run (runs/stageN-PRESET)")
_DISTRIBUTED = flags.DEFINE_enum(
    "distributed", "auto", ["auto", "on", "off"], "several hosts: auto reads the environment"
)
_PEER_TIMEOUT = flags.DEFINE_integer(
    "peer_timeout",
    processes.PEER_TIMEOUT,
    "several processes: seconds without a heartbeat after which one counts as dead, and all end",
    lower_bound=10,
)
_STALL_TIMEOUT = flags.DEFINE_integer(
    "stall_timeout",
    processes.STALL_TIMEOUT,
    "several processes: seconds without an ended step after which all end",
    lower_bound=10,
)
_PROFILE = flags.DEFINE_string("profile", "", "START:COUNT, steps to trace for TensorBoard")
_WANDB = flags.DEFINE_string("wandb", "", "project of Weights & Biases (pip install wandb)")
CACHE = flags.DEFINE_string("compilation_cache", "", compilation_cache.HELP)


def main() -> int:
    """Reads the flags, then trains."""
    config = command.read_config(CONFIG)
    compilation_cache.enable(CACHE.value)
    processes.initialize(_DISTRIBUTED.value, _PEER_TIMEOUT.value, _STALL_TIMEOUT.value)
    if config.sequence:
        return sequence.run(config, WORKDIR.value or "", train_one)
    return train_one(config, WORKDIR.value)


def train_one(config, path: str | os.PathLike | None, exits: bool = True) -> int:
    """Makes the config's task and trains it with the command's flags."""
    task = tasks.make(config)
    teacher.give(task, config)
    path = path or f"runs/{task.run_name()}"
    return train(task, config, path, profile=_PROFILE.value, wandb=_WANDB.value, exits=exits)


def train(
    task: Task,
    config,
    path: str | os.PathLike,
    *,
    params: Params | None = None,
    profile: str = "",
    wandb: str = "",
    exits: bool = False,
) -> int:
    """Trains a task in a working directory and returns the exit code: 0, or 75 if interrupted.

    Args:
      params: what a run that does not resume starts from, after `config.init_from`.
      profile: "START:COUNT" of steps to trace, counted from where this process resumes; "" none.
      wandb: project of Weights & Biases; "" for TensorBoard alone.
      exits: the process ends instead of returning where a program is still being compiled, since
        Python would wait for it, for minutes.
    """
    config_fields.check(config, fields.FIELDS)
    local_devices.check()
    mesh = sharding.make_mesh(config.mesh)
    sharding.check_batch_size(config.batch_size, config.optim.accumulate, mesh)
    with (
        processes.abort_peers_on_failure(),
        loop.StopRequest() as stop,
        sharding.use_mesh(mesh),
        contextlib.ExitStack() as stack,
    ):
        directory = claim_workdir(stack, path, config)
        with stop.at_once():
            time_spent = goodput.Goodput(directory.read_summary().get("goodput"))
            setup = state.make_train_setup(task, config, mesh)
            log_setup(task, config, setup, directory)
            start, saver = begin(task, config, setup, directory, params)
            step_number = int(start.step)
            time_spent.resume_at(step_number)
            evaluations = make_evaluations(task, config, setup, directory, step_number)
            trace = (
                profiler.Profiler(profile, directory.tensorboard, step_number) if profile else None
            )
            batches = stack.enter_context(training_batches(task, config, step_number))
            with time_spent.spent("compile"):
                steps = compile_steps(task, config, setup, batches.order, step_number)
        stack.enter_context(steps)
        reporter = make_reporter(
            task, config, setup, directory, batches, step_number, time_spent, wandb
        )
        stack.enter_context(long_lived_objects_not_collected())
        with closing(saver, reporter):
            outcome = loop.run(
                start,
                config=config,
                mesh=mesh,
                programs=steps,
                batches=batches,
                evaluations=evaluations,
                saver=saver,
                telemetry=reporter,
                stop=stop,
                profiler=trace,
            )
        reporter.finish(outcome.step, outcome.how, evaluations.history)
    code = PREEMPTED if outcome.how == "interrupted" else 0
    if exits and steps.is_compiling:
        processes.exit_together(code)
    return code


def claim_workdir(stack: contextlib.ExitStack, path, config) -> workdir.Workdir:
    """The run's working directory, locked by the first process until the stack closes."""
    claim = workdir.claim(path, config)
    processes.broadcast_from_process_0(lambda: str(stack.enter_context(claim).path))
    return workdir.Workdir(path)


def log_setup(task: Task, config, setup: state.TrainSetup, directory: workdir.Workdir) -> None:
    """Logs what is going to be trained, where and on what."""
    arrays = jax.tree.leaves(setup.abstract.params)
    device = jax.devices()[0].device_kind
    telemetry.log_on_primary(
        f"task {config.task}, {task.describe()}: "
        f"{sum(a.size for a in arrays) / 1e6:.2f} M parameters in {len(arrays)} arrays, "
        f"{sum(task.flops().values()) / 1e9:.2f} GFLOP a sample forward\n"
        f"mesh {sharding.describe(setup.mesh)} on {jax.device_count()} {device} device(s), "
        f"{jax.process_count()} host(s)\n"
        f"working directory {directory.path}"
    )


def begin(
    task: Task,
    config,
    setup: state.TrainSetup,
    directory: workdir.Workdir,
    params: Params | None = None,
):
    """The state to start from (resumed, from other runs, or from scratch), and the run's saver."""
    restored = checkpoint.restore_newest(
        directory.checkpoints, setup.abstract, on_corrupt=config.on_corrupt
    )
    if restored is not None:
        start, origins = restored.state, restored.metadata["inherited"]
        telemetry.log_on_primary(f"resuming after step {int(start.step)}")
    else:
        start = state.from_scratch(task, config, setup)
        start, origins, report = warm_start.apply(
            start,
            setup,
            config.init_from,
            task.adapt_param,
            task.published_params(),
            task.path_of_other,
            restore.load_params,
        )
        start = warm_start.with_frozen(start, task.frozen_params())
        if params is not None:
            start = state.with_params(start, jax.device_put(params, setup.shardings.params))
            report = ["all parameters are those that were given"]
        telemetry.log_on_primary("\n".join(report))
    metadata = checkpoint.make_metadata(task, config, setup, origins)
    return start, Saver(directory.checkpoints, keep=config.keep, metadata=metadata)


def training_batches(task: Task, config, start_step: int) -> loader.Batches:
    """This process's rows of every batch from `start_step` on."""
    return loader.batches(
        task.dataset("train"),
        seed=config.seed,
        batch_size=config.batch_size,
        start_step=start_step,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
        num_threads=config.data.num_threads,
        prefetch=config.data.prefetch,
    )


def compile_steps(
    task: Task, config, setup: state.TrainSetup, order: BatchOrder, start_step: int
) -> programs.Programs:
    """The training step of each bucket that has records: that of the first batch is compiled
    when this returns, the others follow beside the steps."""
    buckets = [task.buckets()[number] for number in order.upcoming(start_step)]
    what = "the step" if len(buckets) == 1 else "the step of {}"

    def compile_bucket(bucket: Bucket) -> jax.stages.Compiled:
        began = time.perf_counter()
        abstract = (setup.abstract, step.abstract_batch(task, setup.mesh, bucket))
        train_step = step.make_train_step(task, config, setup)
        compiled = step.compile_ahead(train_step, abstract, setup.mesh)
        seconds = time.perf_counter() - began
        telemetry.log_on_primary(f"compiled {what.format(bucket)} in {seconds:.1f} s")
        return compiled

    return programs.Programs(compile_bucket, buckets, programs.BucketOf(task))


def make_reporter(
    task: Task,
    config,
    setup: state.TrainSetup,
    directory: workdir.Workdir,
    batches: loader.Batches,
    start_step: int,
    time_spent: goodput.Goodput,
    wandb: str,
) -> telemetry.Telemetry:
    """What prints and writes the run's metrics."""
    chip = chips.find(jax.devices()[0].device_kind)
    return telemetry.Telemetry(
        directory,
        config,
        start_step=start_step,
        rates=setup.optimizer.rates,
        flops_per_sample=sum(task.flops().values()),
        goodput=time_spent,
        work_of=work.work_of(task),
        records_of=batches.records_of,
        peak_flops=chip.flops * jax.device_count() if chip else 0.0,
        description=task.describe(),
        wandb=wandb,
    )


def make_evaluations(
    task: Task, config, setup: state.TrainSetup, directory: workdir.Workdir, start_step: int
) -> evaluation.Evaluations:
    """What happens every `config.eval_every` steps."""
    history = eval_history.EvalHistory(
        directory, config.best_metric, config.patience, start_step, config.min_delta
    )
    metrics_of = make_metrics_of(task, config, setup)
    if metrics_of is not None:
        evaluation.check_metric(task, config, setup, history)
    callbacks = eval_callbacks.make(task, config, setup.mesh) if metrics_of else []
    return evaluation.Evaluations(history, metrics_of, callbacks)


def make_metrics_of(task: Task, config, setup: state.TrainSetup) -> evaluation.MetricsOf | None:
    """state -> metrics on the validation split, or None if there is none or too small a one."""
    try:
        dataset = task.dataset("val")
    except NoSplit as error:
        return no_evaluation(config, str(error))
    count = min(config.eval_batches, len(dataset) // config.batch_size)
    if count == 0:
        few = f"{len(dataset)} validation record(s)"
        asked = f"{config.eval_batches} batches of {config.batch_size} asked for"
        return no_evaluation(config, f"{few}, {asked}")

    def batches():
        return loader.one_epoch(
            dataset,
            batch_size=config.batch_size,
            limit=count * config.batch_size,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
            num_threads=config.data.num_threads,
            prefetch=config.data.prefetch,
        )

    return evaluation.make_metrics_of(task, config, setup, batches)


def no_evaluation(config, why: str) -> None:
    """Logs why there is none; refuses a config that would stop by it."""
    if config.patience:
        raise BadUsage(f"config.patience stops by evaluations, and there is none: {why}")
    telemetry.log_on_primary(f"no evaluation: {why}")


@contextlib.contextmanager
def long_lived_objects_not_collected():
    """Garbage collections skip what exists by now, which lives as long as the run.

    Records are many small objects, so collections are frequent: large records parse faster.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def closing(saver: Saver, reporter: telemetry.Telemetry):
    """If the loop fails, waits for a running save and writes the failure into the summary."""
    try:
        yield
    except BaseException as failure:
        # The failure of the loop is the one to report, not those that it causes here.
        if not processes.is_peer_lost(failure):  # a save can only end together with the others
            with contextlib.suppress(UserError):
                saver.close()
        with contextlib.suppress(OSError):
            reporter.finish(reporter.summary.get("step", 0), "failed")
        if isinstance(failure, OSError) and failure.errno in DISK:
            raise UserError(
                f"the run cannot write what it says of itself: {failure}; of its checkpoints "
                f"{checkpoint_files.advice(saver.folder)}"
            ) from failure
        raise


if __name__ == "__main__":
    command.run_absl(main, USAGE, compatibility.RENAMED_FIELDS)
