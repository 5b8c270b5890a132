#!/usr/bin/env bash
# Makes sure of the programs that the tests run, or of the packages that are named; installs Debian's
# packages where that is allowed.
set -euo pipefail

# program=package
needed=(curl=curl wget=wget htpasswd=apache2-utils nginx=nginx strace=strace)
# Debian keeps servers where the path of an ordinary user does not look.
PATH="$PATH:/usr/sbin:/sbin"

missing=("$@")
[ $# -gt 0 ] && needed=()
for pair in "${needed[@]}"; do
  command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
done
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
