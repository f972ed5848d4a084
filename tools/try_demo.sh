#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Does what a visitor does: ./xinglin demo, open the page, log in, find the people of the made-up district, stop with Ctrl+C, start again.
# Used by tools/fresh-machine; also runs on its own, in a scratch folder.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
scratch=$(mktemp -d)
port=8377 demo=''
trap '[ -z "$demo" ] || kill -TERM $demo 2>/dev/null || true; rm -rf "$scratch"' EXIT

start_demo() { # in a process group of its own and with Ctrl+C alive, as in a terminal
  : >"$scratch/output"
  setsid env --default-signal=INT ./xinglin demo --data "$scratch/data" --port $port >"$scratch/output" 2>&1 </dev/null &
  demo=$!
  until grep -q 'password' "$scratch/output"; do
    kill -0 $demo 2>/dev/null || { cat "$scratch/output" && echo "error: demo: ended before it answered" && exit 1; }
    sleep 1
  done
  sed 's/\(password *\).*/\1…/' "$scratch/output"
  address=$(sed -n 's/.*Xinglin is running: *//p' "$scratch/output")
}

stop_demo() {
  kill -INT -- "-$demo"
  local status=0
  wait $demo || status=$?
  demo=''
  grep -q stopped "$scratch/output" || { cat "$scratch/output" && echo "error: demo: did not stop cleanly ($status)" && exit 1; }
  if (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; then echo "error: demo: still listens after its stop" && exit 1; fi
}

log_in() { # name: prints nothing, leaves the cookie in $scratch/cookies
  local password
  password=$(awk -v name="$1" '$1 == "login" && $2 == name { print $4 }' "$scratch/output")
  curl -sSf -c "$scratch/cookies" -H 'Content-Type: application/json' -d "{\"name\":\"$1\",\"password\":\"$password\"}" \
    -o "$scratch/session.json" "$address/auth/login"
}

start_demo
curl -sSf "$address/healthz" >"$scratch/health"
curl -sSf -o "$scratch/index.html" "$address/"
grep -qi '<!doctype html' "$scratch/index.html" || { echo "error: demo: / is not a page" && exit 1; }
status=$(curl -s -o "$scratch/refused" -w '%{http_code}' "$address/fhir/Patient")
[ "$status" = 401 ] || { echo "error: demo: a stranger got $status from /fhir/Patient, not 401" && exit 1; }
for name in admin doctor; do
  log_in $name
  curl -sSf -b "$scratch/cookies" "$address/fhir/Patient?_summary=count" >"$scratch/count.json"
  expected=$(sed -n 's/.*"Patient": *\([0-9]*\).*/\1/p' "$scratch/data.city/city.json")
  found=$(sed -n 's/.*"total" *: *\([0-9]*\).*/\1/p' "$scratch/count.json")
  [ "$found" = "$expected" ] || { echo "error: demo: $name found $found patients, not $expected" && exit 1; }
  echo "$name logged in and found $found patients"
done
stop_demo
SECONDS=0
start_demo
log_in doctor
stop_demo
echo "second start and stop: $SECONDS s"
