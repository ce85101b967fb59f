#!/usr/bin/env bash
# Trains on a Cloud TPU slice of one or many hosts, asked for as a queued resource.
#
#   launch/tpu_vm.sh watch     all of it: up, then again after every pre-emption, until training ends
#   launch/tpu_vm.sh up        create, await, install, start
#   launch/tpu_vm.sh logs      follows the first host's log
#   launch/tpu_vm.sh status    state of the slice, last line of every host
#   launch/tpu_vm.sh stop      saves and stops; `start` resumes
#   launch/tpu_vm.sh delete    gives the slice back
#   PRINT=1 launch/tpu_vm.sh up    prints the commands and runs none
#
# Needs gcloud, logged in, and an NFS share (Filestore) in the slice's network: all hosts write one
# checkpoint together, and a pre-empted slice loses its disks.
set -euo pipefail
cd "$(dirname "$0")/.."

# ---- change these ----
PROJECT=my-project
ZONE=us-west4-a
NAME=xojl
TYPE=v5litepod-16           # 16 chips on 4 hosts
RUNTIME=v2-alpha-tpuv5-lite # goes with TYPE: v2-alpha-tpuv6e, v2-alpha-tpuv5, …
TIER=--spot                 # or --guaranteed, --reserved
SHARE=10.0.0.2:/xojl        # mounted on /mnt/xojl
TRAIN=(--config=configs/stage4.py --config.data.path=/mnt/xojl/shards --workdir=/mnt/xojl/runs/base)
# ----------------------

run() {
  if [[ -n ${PRINT:-} ]]; then
    printf '%q ' "$@"
    echo
  else
    "$@"
  fi
}

tpus() { run gcloud compute tpus "$@" --project="$PROJECT" --zone="$ZONE"; }

# on WORKER COMMAND: one host by its number, or `all`.
on() { tpus tpu-vm ssh "$NAME" --worker="$1" --command="$2"; }

# Empty where there is no such queued resource.
state() { tpus queued-resources list --filter="name~/$NAME\$" --format='value(state.state)'; }

create() {
  tpus queued-resources create "$NAME" --node-id="$NAME" --accelerator-type="$TYPE" \
    --runtime-version="$RUNTIME" "$TIER"
}

await() {
  if [[ -n ${PRINT:-} ]]; then
    state
    return
  fi
  local now
  while now=$(state); do
    echo "$NAME: ${now:-not there}"
    case $now in
      ACTIVE) return ;;
      '' | FAILED | SUSPENDING | SUSPENDED) return 1 ;;
    esac
    sleep 30
  done
  return 1
}

# The last commit goes to every host. The images carry Python 3.10; uv brings a newer one.
install() {
  local archive=${TMPDIR:-/tmp}/xojl.tar.gz
  run git archive --format=tar.gz --output="$archive" HEAD &&
    tpus tpu-vm scp "$archive" "$NAME:xojl.tar.gz" --worker=all &&
    on all "set -e
mkdir -p xojl && tar -xzf xojl.tar.gz -C xojl
if ! mountpoint -q /mnt/xojl; then
  sudo apt-get -o DPkg::Lock::Timeout=600 install -y -qq nfs-common
  sudo mkdir -p /mnt/xojl && sudo mount -t nfs '$SHARE' /mnt/xojl
fi
sudo install -d -o \"\$USER\" /mnt/xojl/runs
python3 -m pip install --quiet --user uv
cd xojl && python3 -m uv venv --quiet --allow-existing --python 3.12 .venv
python3 -m uv pip install --quiet --constraint requirements.txt --editable '.[tpu]'"
}

# A TPU VM does not say in its environment that it is one of several: hence --distributed=on.
start() {
  on all "cd xojl && setsid --fork nohup flock --nonblock --conflict-exit-code 0 ../xojl.lock sh -c '
  rm -f ../xojl.exit
  launch/keep_running.sh .venv/bin/python -m xojl_jax.train --distributed=on ${TRAIN[*]}
  echo \$? > ../xojl.exit' >> ../xojl.log 2>&1 < /dev/null"
}

up() { create && await && install && start; }

watch() {
  local now code
  while :; do
    if now=$(state); then
      case $now in
        ACTIVE)
          code=$(on 0 'cat xojl.exit 2>/dev/null || true') || code=
          if [[ $code =~ ^[0-9]+$ ]]; then
            echo "$NAME: training ended with exit code $code; the slice is still there (delete)"
            return "$code"
          fi
          ;;
        '') up || echo "$NAME: not up yet" ;;
        FAILED | SUSPENDED) delete || echo "$NAME: not deleted yet" ;;
      esac
    fi
    sleep 60
  done
}

logs() { on 0 'tail -n 50 -F xojl.log'; }

status() {
  state
  on all 'tail -n 1 xojl.log; cat xojl.exit 2>/dev/null || true'
}

# The brackets keep the pattern from finding the shell that runs this line.
stop() { on all "pkill -TERM -f '[b]ash launch/keep_running.sh'"; }

delete() { tpus queued-resources delete "$NAME" --force --quiet; }

case ${1:-} in
  watch | up | create | await | install | start | logs | status | stop | delete) "$1" ;;
  *)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' launch/tpu_vm.sh >&2
    exit 2
    ;;
esac
