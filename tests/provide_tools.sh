#!/usr/bin/env bash
# The browser tests drive Debian's Chromium, and their screenshots show Chinese, as a terminal's label does; the fault tests trace the hub and set its
# clock; the bench compiles a slow disk; cards' images are made, and what is written to them is checked. With `power`: the power cuts need a machine to
# cut it from. Installs what is missing where this user may;
# otherwise says what is missing, and fails.
set -euo pipefail

missing=()
command -v chromium >/dev/null || missing+=(chromium)
[[ $(fc-list :lang=zh 2>/dev/null) || -d /usr/share/fonts/opentype/noto ]] || missing+=(fonts-noto-cjk)
command -v fc-match >/dev/null || missing+=(fontconfig)
command -v strace >/dev/null || missing+=(strace)
command -v faketime >/dev/null || missing+=(faketime)
command -v gcc >/dev/null || missing+=(gcc)
[[ -e /usr/include/dlfcn.h ]] || missing+=(libc6-dev)
command -v systemd-analyze >/dev/null || missing+=(systemd)
command -v mcopy >/dev/null || missing+=(mtools)
command -v mkfs.fat >/dev/null || missing+=(dosfstools)
command -v sfdisk >/dev/null || missing+=(fdisk)
command -v shellcheck >/dev/null || missing+=(shellcheck)
[[ ${1:-} != power ]] || command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
[[ ${#missing[@]} -eq 0 ]] && exit 0

apt=(apt-get)
if [[ $(id -u) -ne 0 ]]; then
    apt=(sudo -n apt-get)
    if ! sudo -n true 2>/dev/null; then
        echo "test: the tests need ${missing[*]}. Install: sudo apt install ${missing[*]}" >&2
        exit 1
    fi
fi
if ! command -v apt-get >/dev/null; then
    echo "test: the tests need ${missing[*]}, and there is no apt-get here to install it with" >&2
    exit 1
fi

echo "test: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { "${apt[@]}" update && "${apt[@]}" install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    echo "test: could not install ${missing[*]} (above: what apt-get said)" >&2
    exit 1
fi
