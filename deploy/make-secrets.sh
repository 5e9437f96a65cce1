#!/bin/sh
# Makes deploy/secrets/ for compose.yaml: a token for Ray, passwords, and an empty file for each setting that is secret.
# What is there already stays. Run it again after an update; fill in the files that you need.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
made() { [ -s "secrets/$1" ] || head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "secrets/$1"; }
made ray_auth_token
made postgres_password
made grafana_admin_password
for name in discord_webhook_url slack_webhook_url webhook_url webhook_secret apprise_urls finnhub_token \
            alpaca_api_key_id alpaca_api_secret_key llm_api_key database_url; do
  [ -e "secrets/$name" ] || : > "secrets/$name"
done
# Compose mounts the files as they are, and the containers' user is 1000. Where that is not you, others must be able to
# read them; other users of this machine do not get to them, which the folder's mode sees to, and the log warns.
chmod 0700 secrets
if [ "$(id -u)" = 0 ]; then chown 1000 secrets/*; fi
if [ "$(id -u)" = 0 ] || [ "$(id -u)" = 1000 ]; then mode=0400; else mode=0444; fi
chmod "$mode" secrets/*
# Grafana and PostgreSQL have users of their own.
chmod 0444 secrets/grafana_admin_password secrets/postgres_password
ls -l secrets
