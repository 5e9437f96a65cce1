#!/bin/sh
# Submits a job, follows its log, and stops the job when it is itself told to stop. Ends as the job ends, with the exit
# code of the job's driver, so that a supervisor (systemd, a Kubernetes Deployment) knows whether to start it again: 2 is
# a wrong setting, which starting again does not mend (docs/operate.md, Exit codes). Ray itself never repeats a job.
#
#   submit.sh [options of catalyst-ray run …]     from any folder
#   JOB=jobs/bench.py submit.sh                   another job
#   WRONG_SETTING_CODE=0 submit.sh                end with this in place of 2: for Compose, which cannot tell codes apart
#
# RAY_API_SERVER_ADDRESS says where (http://host:8265); with tokens also RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH.
set -u
cd "$(dirname "$0")/.." || exit 2
job="${JOB:-jobs/run.py}"
id="catalyst-$(basename "$job" .py)-$(date -u +%Y%m%dT%H%M%S)"
trap 'exit 0' TERM INT

if ! command -v ray > /dev/null; then
    echo "submit.sh: there is no command ray: put the folder of the virtual environment's programs on PATH" >&2
    exit 2
fi
# Asked before, since `ray job submit` answers with a page of Python where nobody is there, and may start a Ray of its own.
if ! told="$(ray job list 2>&1)"; then
    where="${RAY_API_SERVER_ADDRESS:-http://127.0.0.1:8265 (RAY_API_SERVER_ADDRESS is unset)}"
    echo "submit.sh: no jobs API of Ray at $where: $(printf '%s\n' "$told" | grep . | tail -n 1 | cut -c 1-300)" >&2
    echo "submit.sh: is Ray up there, and its token here (RAY_AUTH_MODE=token, RAY_AUTH_TOKEN_PATH)?" >&2
    exit 1
fi

# `ray job stop` returns when the job has drained (RAY_JOB_STOP_WAIT_TIME_S in jobs/runtime_env.yaml).
trap 'ray job stop "$id"; wait "$follower"; exit 0' TERM INT

ray job submit --submission-id "$id" --runtime-env jobs/runtime_env.yaml -- python "$job" "$@" &
follower=$!
wait "$follower" && exit 0

# `ray job submit` ends with 1 whatever the driver ended with; Ray's first words on the job have the driver's own code.
# They stand before the end of the driver's log, so that the first such line is Ray's.
failed='.*Status message: Job entrypoint command failed with exit code'
code="$(ray job status "$id" 2>&1 | sed -n "s/^$failed \([0-9][0-9]*\).*/\1/p" | head -n 1)"
if test "${code:-1}" = 2; then
    echo "submit.sh: a setting is wrong, see above: mend it, then start this again" >&2
    code="${WRONG_SETTING_CODE:-2}"
fi
exit "${code:-1}"
