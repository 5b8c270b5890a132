#!/usr/bin/env bash
# Makes sure of the programs that the tests run, or of the packages that are named; installs Debian's
# packages where that is allowed.
set -euo pipefail

# program=package
needed=(curl=curl wget=wget htpasswd=apache2-utils nginx=nginx strace=strace)
needed+=(slapd=slapd openssl=openssl gcc=gcc chromium=chromium node=nodejs npm=npm)
needed+=(fiu-run=fiu-utils)
needed+=(initdb=postgresql)
# header=package: python-ldap is built from source.
headers=(ldap.h=libldap-dev sasl/sasl.h=libsasl2-dev)
# Debian keeps servers where the path of an ordinary user does not look.
PATH="$PATH:/usr/sbin:/sbin:$(printf %s: /usr/lib/postgresql/*/bin)"

missing=("$@")
[ $# -gt 0 ] && needed=() headers=()
for pair in "${needed[@]}"; do
  command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
done
for pair in "${headers[@]}"; do
  [ -e "/usr/include/${pair%%=*}" ] || missing+=("${pair#*=}")
done
if [ $# -eq 0 ]; then
  include=$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')
  [ -e "$include/Python.h" ] || missing+=(python3-dev)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then
  sudo -n apt-get update -qq
  sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "The tests need these packages; install them and try again: ${missing[*]}" >&2
  exit 1
fi
