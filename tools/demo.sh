# SPDX-License-Identifier: Apache-2.0
# ./xinglin demo: the sample records in a data folder of their own, served, with two accounts. Sourced by ./xinglin.
# The second start finds the folder and only serves it; --fresh throws it away first.

binary=build/release/xinglin

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

demo() {
  local data=data/demo port=8080 chosen=no fresh=no
  while [ $# -gt 0 ]; do
    case "$1" in
      --data) data=${2:?--data needs a folder} && shift 2 ;;
      --port) port=${2:?--port needs a number} chosen=yes && shift 2 ;;
      --fresh) fresh=yes && shift ;;
      *) echo "error: demo: unknown option $1; ./xinglin help lists the options" >&2 && return 2 ;;
    esac
  done
  pick_port
  if [ $fresh = yes ] && [ -e "$data" ]; then remove_demo_data "$data" || return; fi
  if [ ! -e "$data/demo-logins.txt" ] || [ -e "$data.unfinished" ]; then fill_demo_data "$data" || return; fi
  serve_demo "$data" "$port"
}

pick_port() {
  if ! port_is_taken "$port"; then return; fi
  if [ $chosen = yes ]; then
    echo "error: port $port: another program listens there; choose a different one with --port" >&2
    exit 3
  fi
  while port_is_taken "$port" && [ "$port" -lt 8120 ]; do port=$((port + 1)); done
  echo "port 8080 is taken, using $port" >&2
}

# Only what this script made is ever removed: the folder must carry its mark.
remove_demo_data() {
  if [ ! -e "$1/demo-logins.txt" ] && [ ! -e "$1.unfinished" ]; then
    echo "error: $1: not a folder made by ./xinglin demo, so it is not removed; name another one with --data" >&2
    return 1
  fi
  rm -rf "$1" "$1.unfinished"
}

fill_demo_data() {
  if [ -e "$1.unfinished" ]; then rm -rf "$1" "$1.unfinished"; fi # an earlier start was interrupted half-way
  if [ -e "$1" ] && [ -n "$(ls -A "$1")" ]; then
    echo "error: $1: holds something else already; name another folder with --data" >&2
    return 1
  fi
  mkdir -p "$1" && chmod 700 "$1"
  : >"$1.unfinished"
  echo "loading the sample records (content/samples) into $1" >&2
  "$binary" import --data "$1" content/samples
  add_demo_user "$1" admin administrator Administrator
  add_demo_user "$1" doctor clinician "Dr Li"
  rm "$1.unfinished"
}

add_demo_user() { # data folder, name, role, display; notes the password where the next start finds it
  local password
  password="grove-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')"
  "$binary" user add --data "$1" --name "$2" --role "$3" --display "$4" --password-file - <<<"$password" >/dev/null
  (umask 077 && echo "$2 $password" >>"$1/demo-logins.txt")
}

show_demo() { # address, data folder
  echo
  echo "  Xinglin is running:  $1"
  echo
  while read -r name password; do printf '  login  %-8s password  %s\n' "$name" "$password"; done <"$2/demo-logins.txt"
  echo
  echo "  FHIR R4 at $1/fhir    data in $2    log in build/log/demo.log"
  echo "  Ctrl+C stops it"
  echo
}

serve_demo() { # a session of its own: Ctrl+C reaches this script only, which asks the server to stop
  local log=build/log/demo.log
  mkdir -p build/log
  setsid "$binary" serve --data "$1" --port "$2" 2>"$log" > >(
    trap '' INT
    while read -r word address; do
      if [ "$word" = ready ]; then show_demo "$address" "$data"; else echo "$word $address"; fi
    done
  ) &
  local server=$! status=0 asked=no
  trap 'asked=yes; kill -TERM $server 2>/dev/null' INT TERM HUP
  while kill -0 $server 2>/dev/null; do wait $server && status=0 || status=$?; done
  trap - INT TERM HUP
  if [ $status = 0 ] || [ $asked = yes ]; then echo "stopped"; else tail -n 5 "$log" >&2 && return $status; fi
}
