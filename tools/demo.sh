# SPDX-License-Identifier: Apache-2.0
# ./xinglin demo: a made-up district in a data folder of its own, served, with accounts, living on. Sourced by ./xinglin.
# The second start finds the folder and only serves it; --fresh throws it away first; --samples takes the Synthea records instead.

binary=build/release/xinglin

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

demo() {
  local data=data/demo port=8080 mllp=2575 chosen=no fresh=no population=10000 samples=no speed=360
  while [ $# -gt 0 ]; do
    case "$1" in
      --data) data=${2:?--data needs a folder} && shift 2 ;;
      --port) port=${2:?--port needs a number} chosen=yes && shift 2 ;;
      --fresh) fresh=yes && shift ;;
      --population) population=${2:?--population needs a number} && shift 2 ;;
      --samples) samples=yes && shift ;;
      --speed) speed=${2:?--speed needs a number} && shift 2 ;;
      *) echo "error: demo: unknown option $1; ./xinglin help lists the options" >&2 && return 2 ;;
    esac
  done
  pick_port
  pick_mllp_port
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

pick_mllp_port() {
  while port_is_taken "$mllp" && [ "$mllp" -lt 2675 ]; do mllp=$((mllp + 1)); done
}

# Only what this script made is ever removed: the folder must carry its mark.
remove_demo_data() {
  if [ ! -e "$1/demo-logins.txt" ] && [ ! -e "$1.unfinished" ]; then
    echo "error: $1: not a folder made by ./xinglin demo, so it is not removed; name another one with --data" >&2
    return 1
  fi
  rm -rf "$1" "$1.unfinished" "$1.city"
}

fill_demo_data() {
  local resident='' village='' area='' village2='' area2='' hospital='' district='' line
  if [ -e "$1.unfinished" ]; then rm -rf "$1" "$1.unfinished" "$1.city"; fi # an earlier start was interrupted half-way
  if [ -e "$1" ] && [ -n "$(ls -A "$1")" ]; then
    echo "error: $1: holds something else already; name another folder with --data" >&2
    return 1
  fi
  if [ -e "$1.city" ] && [ ! -e "$1.city/city.json" ]; then
    echo "error: $1.city: is where the made-up city goes, and holds something else; name another folder with --data" >&2
    return 1
  fi
  mkdir -p "$1" && chmod 700 "$1"
  : >"$1.unfinished"
  rm -rf "$1.city"
  if [ $samples = yes ]; then
    echo "loading the sample records (content/samples) into $1" >&2
    "$binary" import --data "$1" content/samples
  else
    echo "making up a district of $population people and two years (seed 1)" >&2
    "$binary" city --population "$population" --years 2 --end "$(date +%F)" --future-days 180 --only fhir,truth --out "$1.city" >/dev/null
    "$binary" import --data "$1" "$1.city/fhir"
    while read -r line; do
      case "$line" in
        resident=* | village=* | area=* | village2=* | area2=* | hospital=* | district=*) printf -v "${line%%=*}" '%s' "${line#*=}" ;;
      esac
    done < <(python3 tools/demo_posts.py "$1.city/fhir")
    rm -rf "$1.city/fhir" # it is in the record now; city.json and truth/ stay
  fi
  add_demo_user "$1" admin administrator 管理员
  # shellcheck disable=SC2046 # each option is a word of its own
  add_demo_user "$1" doctor clinician 医院医生 $(demo_post institution "$hospital")
  add_demo_user "$1" village clinician 乡村医生 $(demo_post institution "$village" area "$area")
  if [ -n "$village2" ]; then add_demo_user "$1" village2 clinician 邻村医生 --institution "$village2" --area "$area2"; fi
  add_demo_user "$1" epidemic epidemiologist 流行病学人员 $(demo_post area "$district")
  add_demo_user "$1" planner planner 规划人员
  add_demo_user "$1" operator operator 运维人员
  if [ -n "$resident" ]; then
    add_demo_user "$1" resident resident 居民 --patient "$resident"
    echo "$resident" >"$1/demo-resident"
  fi
  rm "$1.unfinished"
}

demo_post() { # name and value, name and value …: the options of those that are there
  while [ $# -gt 1 ]; do
    if [ -n "$2" ]; then printf -- '--%s %s ' "$1" "$2"; fi
    shift 2
  done
}

add_demo_user() { # data folder, name, role, display, more options; notes the password where the next start finds it
  local data=$1 name=$2 role=$3 display=$4 password
  shift 4
  password="grove-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')"
  "$binary" user add --data "$data" --name "$name" --role "$role" --display "$display" --password-file - "$@" <<<"$password" >/dev/null
  (umask 077 && echo "$name $password" >>"$data/demo-logins.txt")
}

show_demo() { # address, data folder
  echo
  echo "  Xinglin is running:  $1"
  echo
  while read -r name password; do printf '  login  %-8s password  %s\n' "$name" "$password"; done <"$2/demo-logins.txt"
  echo
  if [ -e "$2.city/city.json" ]; then echo "  Everybody in it is made up; who infected whom, and whose number is whose: $2.city/truth"; fi
  if [ -e "$2/demo-live" ]; then
    echo "  The district lives on, $speed seconds of its time in one of ours. Tell it: ./xinglin live pause --data $2"
    echo "  (pause, go, faster, slower, speed N, jump to the next outbreak). Hospitals send HL7 v2 to 127.0.0.1:$mllp (MLLP), clinics, schools and"
    echo "  pharmacies drop files into $2/inbox; all of it is under 数据接入 and at $1/screen"
  fi
  echo "  A demonstration: no second factor is demanded of anybody, and codes for residents stand in the log. With real people leave --demo out."
  echo "  FHIR R4 at $1/fhir    data in $2    log in build/log/demo.log"
  echo "  Ctrl+C stops it"
  echo
}

# The resident gets an e-health card, and that of a child to show; once.
issue_demo_cards() { # address, data folder
  [ -s "$2/demo-resident" ] && command -v python3 >/dev/null || return 0
  local token="$2/demo-live-token"
  if [ ! -s "$token" ]; then (umask 077 && "$binary" client add --data "$2" --name city-live --scope 'system/*.cruds' >"$token"); fi
  if XINGLIN_TOKEN=$(cat "$token") python3 tools/demo_cards.py "$1" "$(cat "$2/demo-resident")" >build/log/cards.log 2>&1; then
    rm "$2/demo-resident"
  fi
}

# The city sends what its institutions send from the day of its making on; the next start goes on where this one stopped.
start_living() { # address, data folder; prints the process
  [ -e "$2.city/city.json" ] || return 0
  local token="$2/demo-live-token"
  if [ ! -s "$token" ]; then (umask 077 && "$binary" client add --data "$2" --name city-live --scope 'system/*.cruds' >"$token"); fi
  rm -f "$2/demo-live" && mkfifo -m 600 "$2/demo-live"
  XINGLIN_TOKEN=$(cat "$token") "$binary" city live --city "$2.city" --to "$1" --mllp "127.0.0.1:$mllp" --inbox "$2/inbox" \
    --clock "$2/demo-clock.json" --hour 8 --speed "$speed" <>"$2/demo-live" >build/log/live.log 2>&1 &
  echo $!
}

# What `./xinglin live` says to a demo that runs: pause, go, faster, slower, speed N, jump; without a word: how it is.
live() {
  local data=data/demo word=''
  while [ $# -gt 0 ]; do
    case "$1" in
      --data) data=${2:?--data needs a folder} && shift 2 ;;
      -*) echo "error: live: unknown option $1; ./xinglin help lists the options" >&2 && return 2 ;;
      *) word="$word${word:+ }$1" && shift ;;
    esac
  done
  case "$word" in
    '' | pause | go | faster | slower | jump | 'speed '[0-9]*) ;;
    *) echo "error: live: '$word' is no word for a living district; say pause, go, faster, slower, speed N or jump" >&2 && return 2 ;;
  esac
  if [ ! -p "$data/demo-live" ]; then
    echo "error: live: no demo lives in $data; start it with ./xinglin demo, or name its folder with --data" >&2
    return 1
  fi
  if [ -n "$word" ]; then
    echo "$word" >"$data/demo-live"
    sleep 1 # it listens ten times a second, and pausing tells every source
  fi
  python3 - "$data/demo-clock.json" <<'PYTHON'
import json, sys, time
clock = json.load(open(sys.argv[1]))
state = "paused" if clock.get("paused") else f"one second is {clock.get('speed', 360):g} of its own"
print(time.strftime("%Y-%m-%d %H:%M", time.gmtime(clock["now"])), "there;", state)
PYTHON
}

# The channels of content, on: discharges for the insurance and vaccinations for the province, every minute into outbox/.
demo_content() { # data folder
  mkdir -p "$1/demo-content/outbound"
  for file in content/outbound/*.json; do
    sed -e 's/^  "id": .*/&\n  "mode": "on",/' -e 's/"at": "22:00"/"seconds": 60/; s/"seconds": 300/"seconds": 60/; s/"receipt": "file"/"receipt": "none"/' \
      "$file" >"$1/demo-content/outbound/$(basename "$file")"
  done
}

serve_demo() { # a session of its own: Ctrl+C reaches this script only, which asks the server to stop
  local log=build/log/demo.log
  mkdir -p build/log
  rm -f "$1/demo-live"
  demo_content "$1"
  setsid "$binary" serve --demo --data "$1" --content "$1/demo-content" --port "$2" --mllp "$mllp" 2>"$log" > >(
    trap '' INT
    living=''
    while read -r word address; do
      if [ "$word" = ready ]; then
        issue_demo_cards "$address" "$data"
        living=$(start_living "$address" "$data")
        show_demo "$address" "$data"
      else
        echo "$word $address"
      fi
    done
    if [ -n "$living" ]; then kill -TERM "$living" 2>/dev/null || true; fi
    rm -f "$data/demo-live"
  ) &
  local server=$! status=0 asked=no
  trap 'asked=yes; kill -TERM $server 2>/dev/null' INT TERM HUP
  while kill -0 $server 2>/dev/null; do wait $server && status=0 || status=$?; done
  trap - INT TERM HUP
  if [ $status = 0 ] || [ $asked = yes ]; then echo "stopped"; else tail -n 5 "$log" >&2 && return $status; fi
}
