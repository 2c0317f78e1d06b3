#!/usr/bin/env bash
# Brings what spec/interop/ talks to and is talked to by, from Debian's packages, as far as it is not here already.
set -euo pipefail

packages=(
  # Servers for our client: Python's,
  python3-websockets python3-autobahn python3-twisted python3-tornado python3-aiohttp python3-wsproto
  python3-gevent python3-gevent-websocket python3-ws4py python3-cherrypy3
  python3-django-channels python3-daphne python3-flask-socketio
  # one of libwebsockets, and two reverse proxies.
  libwebsockets-test-server nginx-light haproxy
  # Clients for our server that are not servers, too.
  python3-websocket curl chromium firefox-esr
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

# Debian would start nginx and HAProxy as services; here each is started with a configuration of ours.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
