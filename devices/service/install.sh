#!/bin/sh
# Install edge-tosca as a service on Raspberry Pi OS, Debian or Ubuntu. Running it again updates it.
set -eu

EXTRAS=console,camera,mqtt
PREFIX=/opt/edge-tosca
SETTINGS=/etc/edge-tosca
UNITS=/etc/systemd/system
CONSOLE=edge-tosca-console.service
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

usage() {
    cat <<END
usage: install.sh [--from WHEEL|CHECKOUT] [--wheels DIR] [--extras LIST] [--python PROGRAM] [--root DIR]
                  [--no-start] [--dry-run]
       install.sh --uninstall [--purge] [--root DIR] [--dry-run]

  --from PATH       a wheel of edge-tosca, or a checkout of its source; the checkout this script is in by default
  --wheels DIR      install every package from this folder and none from the network
  --extras LIST     of edge-tosca; $EXTRAS by default
  --python PROGRAM  Python 3.11 or newer; python3 by default
  --root DIR        install under DIR for inspection; starts nothing and needs no root rights
  --no-start        install and enable the console, but do not start it
  --uninstall       remove program and units; keep the store, settings and token
  --purge           with --uninstall: remove the store, settings and token too
  --dry-run         print the steps without doing them
END
}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

# Print a command and, without --dry-run, run it.
run() {
    if [ "$dry" = yes ]; then
        say "would run: $*"
    else
        say "run: $*"
        "$@"
    fi
}

from='' wheels='' python=python3 root='' start=yes dry=no uninstall=no purge=no
while [ $# -gt 0 ]; do
    case $1 in
    --from | --wheels | --extras | --python | --root)
        [ $# -ge 2 ] || fail "$1 needs a value; see --help"
        case $1 in
        --from) from=$2 ;;
        --wheels) wheels=$2 ;;
        --extras) EXTRAS=$2 ;;
        --python) python=$2 ;;
        --root) root=${2%/} ;;
        esac
        shift
        ;;
    --no-start) start=no ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    --dry-run) dry=yes ;;
    --help | -h)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    shift
done

booted() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# Without a running systemd, as in a chroot for an image, units are enabled but not started.
units_changed() {
    if booted; then
        run systemctl daemon-reload
    fi
}

[ "$dry" = yes ] || [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "run it as root: sudo $0"

if [ "$uninstall" = yes ]; then
    if [ -z "$root" ]; then
        for unit in "$UNITS/$CONSOLE" "$UNITS"/multi-user.target.wants/edge-tosca-watch@*.service; do
            [ -e "$unit" ] || [ -L "$unit" ] || continue
            if booted; then
                run systemctl disable --now "${unit##*/}"
            else
                run systemctl disable "${unit##*/}"
            fi
        done
    fi
    run rm -f "$root$UNITS/$CONSOLE" "$root$UNITS/edge-tosca-watch@.service"
    run rm -rf "$root$PREFIX"
    units_changed
    if [ "$purge" = yes ]; then
        run rm -rf "$root$SETTINGS" "$root$UNITS/$CONSOLE.d" "$root/var/lib/private/edge-tosca" \
            "$root/var/lib/edge-tosca" "$root/var/cache/private/edge-tosca" "$root/var/cache/edge-tosca"
        say "edge-tosca is removed, with its store, settings and token"
    else
        say "edge-tosca is removed; the store in /var/lib/edge-tosca and the settings in $SETTINGS stay (--purge)"
    fi
    exit 0
fi
[ "$purge" = no ] || fail "--purge requires --uninstall"

# Source of the installation, and Python

if [ -z "$from" ]; then
    if [ -f "$here/../../pyproject.toml" ]; then
        from=$(CDPATH='' cd -- "$here/../.." && pwd)
    elif [ -n "$wheels" ]; then
        for wheel in "$wheels"/edge_tosca-*.whl; do
            from=$wheel
        done
    else
        fail "name what to install: --from WHEEL, or --wheels DIR with a wheel of edge-tosca in it"
    fi
fi
[ -e "$from" ] || fail "$from: there is no such wheel or checkout; name one with --from"
[ -z "$wheels" ] || [ -d "$wheels" ] || fail "$wheels: there is no such folder of wheels"
[ -d "$here/units" ] || fail "$here/units is missing; keep the files together, or write them again with: edge-tosca service files --out DIR"
case $from in
/*) ;;
*) from=$PWD/$from ;;
esac

command -v "$python" >/dev/null || fail "$python: not found; install Python 3.11 or newer: apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; edge-tosca needs 3.11 or newer (Raspberry Pi OS 12, Ubuntu 24.04); install it, or name one with --python"
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    [ -z "$root$wheels" ] || fail "$python cannot make a venv; install it first: apt-get install python3-venv"
    run apt-get update
    run apt-get install -y --no-install-recommends python3-venv
fi

# The program

venv=$root$PREFIX
site=''
# picamera2 comes with Raspberry Pi OS and not from pip, so the venv needs the system's packages.
if "$python" -c 'import picamera2' 2>/dev/null; then
    site=--system-site-packages
fi
# shellcheck disable=SC2086
[ -x "$venv/bin/python" ] || run "$python" -m venv $site "$venv"
offline=''
[ -z "$wheels" ] || offline=yes
run "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    ${offline:+--no-index} ${offline:+--find-links} ${offline:+"$wheels"} --upgrade "${from}[$EXTRAS]"
# pip would not replace an installed wheel of the same version with other content.
case $from in
*.whl) run "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$from" ;;
esac

# Units, settings, token

run mkdir -p "$root$UNITS"
for unit in "$here"/units/*.service; do
    run install -m 644 "$unit" "$root$UNITS/${unit##*/}"
done
[ -d "$root$SETTINGS" ] || run install -d -m 755 "$root$SETTINGS"
for name in console.conf watch-example.conf; do
    [ -e "$root$SETTINGS/$name" ] || run install -m 600 "$here/settings/$name" "$root$SETTINGS/$name"
done
token=$root$SETTINGS/token
if [ ! -s "$token" ]; then
    if [ "$dry" = yes ]; then
        say "would make: $token, a secret of 32 random bytes that only root reads"
    else
        say "make: $token"
        (umask 077 && "$python" -c 'import secrets; print(secrets.token_urlsafe(32))' >"$token.new")
        mv "$token.new" "$token"
    fi
fi

# The service

if [ -n "$root" ]; then
    say "Everything is under $root; nothing was started."
    exit 0
fi
units_changed
run systemctl enable "$CONSOLE"
if booted && [ "$start" = yes ]; then
    run systemctl restart "$CONSOLE"
    # Restart running watchers with the new version.
    run systemctl try-restart 'edge-tosca-watch@*.service'
    say "The console is at http://localhost:8600/ on this box; it asks once for the token: sudo cat $SETTINGS/token"
else
    say "The console starts with the system; it asks once for the token: sudo cat $SETTINGS/token"
fi
say "Settings: $SETTINGS/console.conf. Status: systemctl status $CONSOLE. Log: journalctl -u $CONSOLE"
