#!/bin/sh
# Submits a job, follows its log, and stops the job when it is itself told to stop. Ends as the job ends, so that a
# supervisor (Compose, systemd, a Kubernetes Deployment) starts it again: Ray itself never repeats a job.
#
#   submit.sh [options of catalyst-ray run …]     from the repository's folder
#   JOB=jobs/bench.py submit.sh                   another job
#
# RAY_API_SERVER_ADDRESS says where (http://host:8265); with tokens also RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH.
set -u
job="${JOB:-jobs/run.py}"
id="catalyst-$(basename "$job" .py)-$(date -u +%Y%m%dT%H%M%S)"

# `ray job stop` returns when the job has drained (RAY_JOB_STOP_WAIT_TIME_S in jobs/runtime_env.yaml).
trap 'ray job stop "$id"; wait "$follower"; exit 0' TERM INT

ray job submit --submission-id "$id" --runtime-env jobs/runtime_env.yaml -- python "$job" "$@" &
follower=$!
wait "$follower"
