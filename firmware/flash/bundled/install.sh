#!/bin/sh
# Installs the terminal from the card that this lies on, without a network. Runs as root at every start until it is done;
# interrupted anywhere, it mends that when it runs again.
set -eu
umask 022
program=/opt/firstbell
staged=/var/lib/firstbell-install

main() {
    cd "$(dirname "$(readlink -f "$0")")/.."
    here=$(pwd -P)
    (cd bundle && sha256sum --check --quiet --strict SHA256SUMS)

    if [ -d terminal ] && [ ! -d "$staged" ]; then
        grep ' terminal/' SHA256SUMS | sha256sum --check --quiet --strict -
        rm -rf "$staged.new"
        install -d -m 700 "$staged.new"
        install -m 600 terminal/* "$staged.new"
        sync -f "$staged.new"
        mv "$staged.new" "$staged"
        sync -f "$staged"
    fi
    # The key is in one place only; from a card it goes as well as a card forgets.
    if [ -d terminal ]; then
        find terminal -type f -exec shred --iterations=1 --zero --remove=unlink {} +
        rmdir terminal
    fi

    if [ -d bundle/debs ]; then
        dpkg --install bundle/debs/*.deb
    fi
    if ! python3 -c 'import lgpio'; then
        echo "firstbell: this image has no python3-lgpio; make a bundle that has it: firstbell-flash bundle --deb FILE" >&2
        exit 1
    fi
    python3 -m venv --clear --without-pip --system-site-packages "$program"
    set -- bundle/wheels/pip-*.whl
    "$program/bin/python" "$1/pip" install --quiet --no-index --no-deps --ignore-installed \
        --require-hashes --find-links bundle/wheels --requirement bundle/requirements.txt
    "$program/bin/firstbell-terminal" --home "$staged" install

    units=/etc/systemd/system
    rm -f "$units/multi-user.target.wants/firstbell-install.service" "$units/firstbell-install.service"
    cd /
    rm -rf "$here"
    echo "firstbell: the terminal is installed"
    exit 0
}
main
