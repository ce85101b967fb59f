#!/usr/bin/env bash
# Runs a command to its end, and again after every interruption: training resumes by itself.
#
#   launch/keep_running.sh python -m xojl_jax.train --config=configs/stage4.py --workdir=runs/base
#
# Exit code 75 (stopped by a signal, all saved) starts it again as often as it comes. 0, 2 and 3 end
# it: done, wrong usage, bad data. Any other failure (a crash, a lost peer) may happen RETRIES times
# in a row. SIGTERM and SIGINT are passed on; the command saves, and that is the end.
set -uo pipefail

RETRIES=${RETRIES:-10} # failures in a row
PAUSE=${PAUSE:-20}     # seconds before a new start: the peers of a job must have ended, too
STEADY=${STEADY:-600}  # a run that lasted so many seconds ends a row of failures

if (($# == 0)); then
  echo "usage: $0 COMMAND [ARGUMENT…]" >&2
  exit 2
fi

child='' stopping='' woken=''
stop() {
  stopping=1 woken=1
  if [[ -n $child ]]; then kill -TERM "$child" 2>/dev/null; fi
}
trap stop TERM INT

failures=0
while :; do
  began=$SECONDS
  "$@" &
  child=$!
  # A signal that came before this shell knew the child has not reached it.
  if [[ -n $stopping ]]; then kill -TERM "$child" 2>/dev/null; fi
  while :; do # a signal to this shell cuts `wait` short: wait again for the command's own code
    woken=''
    wait "$child"
    waited=$?
    if ((waited != 127)); then code=$waited; fi # 127: it had been waited for already
    [[ -n $woken ]] || break
  done
  child=''

  case $code in
    0 | 2 | 3) exit "$code" ;;
    75) failures=0 ;;
    *) failures=$((SECONDS - began < STEADY ? failures + 1 : 1)) ;;
  esac
  if [[ -n $stopping ]]; then exit "$code"; fi
  if ((failures > RETRIES)); then
    echo "keep_running: exit code $code, failure $failures in a row: giving up" >&2
    exit "$code"
  fi
  echo "keep_running: exit code $code, starting again in $PAUSE s" >&2
  sleep "$PAUSE" &
  wait $!
  if [[ -n $stopping ]]; then exit "$code"; fi
done
