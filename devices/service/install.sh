#!/bin/sh
# Install edge-tosca as a service on Raspberry Pi OS, Debian or Ubuntu. Running it again updates it.
set -eu

EXTRAS=console,camera,mqtt
PREFIX=/opt/edge-tosca
STATE=/var/lib/edge-tosca
SETTINGS=/etc/edge-tosca
UNITS=/etc/systemd/system
CONSOLE=edge-tosca-console.service
TIMER=edge-tosca-backup.timer
# The program to call in place of systemctl, also with --root; for tests.
SYSTEMCTL=${EDGE_TOSCA_SYSTEMCTL:-systemctl}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

usage() {
    cat <<END
usage: install.sh [--from WHEEL|CHECKOUT] [--wheels DIR] [--extras LIST] [--python PROGRAM] [--root DIR]
                  [--nightly-backup] [--no-start] [--no-doctor] [--dry-run]
       install.sh --uninstall [--purge] [--root DIR] [--dry-run]

  --from PATH       a wheel of edge-tosca, or a checkout of its source; the checkout this script is in by default
  --wheels DIR      install every package from this folder and none from the network
  --extras LIST     of edge-tosca; $EXTRAS by default
  --python PROGRAM  Python 3.11 or newer; python3 by default
  --root DIR        install under DIR for inspection; starts nothing and needs no root rights
  --nightly-backup  back the store up every night (edge-tosca-backup.timer)
  --no-start        install and enable the console, but do not start it
  --no-doctor       keep an update even if edge-tosca doctor finds a fault
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

from='' wheels='' python=python3 root='' start=yes dry=no uninstall=no purge=no nightly=no doctor=yes
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
    --nightly-backup) nightly=yes ;;
    --no-start) start=no ;;
    --no-doctor) doctor=no ;;
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

booted() { [ -n "${EDGE_TOSCA_SYSTEMCTL:-}" ] || { [ -z "$root" ] && [ -d /run/systemd/system ]; }; }

# Without a running systemd, as in a chroot for an image, units are enabled but not started.
units_changed() {
    if booted; then
        run "$SYSTEMCTL" daemon-reload
    fi
}

[ "$dry" = yes ] || [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "run it as root: sudo $0"

if [ "$uninstall" = yes ]; then
    if [ -z "$root" ]; then
        for unit in "$UNITS/$CONSOLE" "$UNITS/$TIMER" "$UNITS"/multi-user.target.wants/edge-tosca-watch@*.service; do
            [ -e "$unit" ] || [ -L "$unit" ] || continue
            if booted; then
                run "$SYSTEMCTL" disable --now "${unit##*/}"
            else
                run "$SYSTEMCTL" disable "${unit##*/}"
            fi
        done
    fi
    run rm -f "$root$UNITS/$CONSOLE" "$root$UNITS/edge-tosca-watch@.service" "$root$UNITS/$TIMER" \
        "$root$UNITS/edge-tosca-backup.service"
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

# The program, beside the version that is there

case $from in
*.whl)
    version=${from##*/edge_tosca-}
    version=${version%%-*}
    ;;
*) version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$from/edge_tosca/version.py" 2>/dev/null || :) ;;
esac
prefix=$root$PREFIX
current=$prefix/current
name=${version:-unknown}
count=1
while [ -e "$prefix/versions/$name" ]; do
    count=$((count + 1))
    name=${version:-unknown}-$count
done
venv=$prefix/versions/$name
site=''
# picamera2 comes with Raspberry Pi OS and not from pip, so the venv needs the system's packages.
if "$python" -c 'import picamera2' 2>/dev/null; then
    site=--system-site-packages
fi

install_program() {
    # shellcheck disable=SC2086
    run "$python" -m venv $site "$venv" || return 1
    offline=''
    [ -z "$wheels" ] || offline=yes
    run "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        ${offline:+--no-index} ${offline:+--find-links} ${offline:+"$wheels"} --upgrade "${from}[$EXTRAS]" || return 1
    # pip would not replace an installed wheel of the same version with other content.
    case $from in
    *.whl) run "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$from" || return 1 ;;
    esac
}

run mkdir -p "$prefix/versions"
if ! install_program; then
    run rm -rf "$venv"
    fail "edge-tosca $name could not be installed; what was there before runs on"
fi

# What runs now. Before there were versions, the venv was $PREFIX itself.
old=''
if [ -L "$current" ]; then
    old=$(readlink "$current")
elif [ -x "$prefix/bin/python" ] && [ ! -L "$prefix/bin" ]; then
    old=versions/before
fi

# Let the programs of the venv that was $PREFIX itself be found where it is moved to.
move_old() {
    if [ "$old" != versions/before ] || [ -L "$prefix/bin" ]; then
        return 0
    fi
    run rm -rf "$prefix/versions/before"
    run mkdir -p "$prefix/versions/before"
    for part in bin include lib lib64 share pyvenv.cfg; do
        if [ -e "$prefix/$part" ] || [ -L "$prefix/$part" ]; then
            run mv "$prefix/$part" "$prefix/versions/before/$part"
        fi
    done
    if [ "$dry" = no ]; then
        for program in "$prefix"/versions/before/bin/*; do
            if [ -f "$program" ] && [ ! -L "$program" ]; then
                sed -i "1s|^#!$prefix/bin/|#!$prefix/versions/before/bin/|" "$program"
            fi
        done
    fi
}

# $1: versions/NAME. The link is replaced in one step.
switch_to() {
    run ln -sfn "$1" "$current.new"
    run mv -T "$current.new" "$current"
    [ -L "$prefix/bin" ] || run ln -s current/bin "$prefix/bin"
}

store=$root$STATE/box.tosca
copy=$root$STATE/backups/before-$name.tosca
watchers='' console='' stopped=no saved=no switched=no

stop_services() {
    watchers=$("$SYSTEMCTL" list-units --plain --no-legend --state=active,activating 'edge-tosca-watch@*.service' | cut -d' ' -f1)
    console=$("$SYSTEMCTL" is-active "$CONSOLE" || :)
    stopped=yes
    # shellcheck disable=SC2086
    run "$SYSTEMCTL" stop "$CONSOLE" $watchers
}

start_services() {
    # shellcheck disable=SC2086
    run "$SYSTEMCTL" start "$CONSOLE" $watchers
}

# Go back to the version and the store that were there before this update.
go_back() {
    trap '' INT TERM HUP
    trap - EXIT
    say "going back to ${old#versions/}"
    # shellcheck disable=SC2086
    [ "$stopped" = no ] || run "$SYSTEMCTL" stop "$CONSOLE" $watchers || :
    if [ "$switched" = yes ]; then
        [ "$saved" = no ] || run "$venv/bin/edge-tosca" store restore "$copy" "$store" --force ||
            say "the store could not be put back; its copy is $copy"
        switch_to "$old"
        for unit in "$venv/units"/*; do
            [ ! -e "$unit" ] || [ -e "$prefix/$old/units/${unit##*/}" ] || run rm -f "$root$UNITS/${unit##*/}"
        done
        for unit in "$prefix/$old/units"/*; do
            [ ! -e "$unit" ] || run install -m 644 "$unit" "$root$UNITS/${unit##*/}"
        done
        units_changed
    fi
    run rm -rf "$venv"
    if [ "$stopped" = yes ] && { [ "$start" = yes ] || [ "$console" = active ]; }; then
        start_services || say "the console does not start; see: journalctl -u $CONSOLE"
    fi
}

update_failed() {
    go_back
    fail "$*; edge-tosca ${old#versions/} is back, with the store that it had"
}

if [ -n "$old" ] && booted; then
    trap 'update_failed "the update was interrupted"' INT TERM HUP
    trap 'update_failed "a step of the update failed"' EXIT
    stop_services || update_failed "the services could not be stopped"
    if [ -s "$store" ]; then
        run mkdir -p -m 700 "${copy%/*}"
        # The console's user writes the nightly copies there.
        run chown --reference="$store" "${copy%/*}"
        # The new program makes the copy: an old one may not know how to.
        run "$venv/bin/edge-tosca" store backup "$store" "$copy" --force ||
            update_failed "the store could not be backed up (give the key of an encrypted one in EDGE_TOSCA_KEY_FILE)"
        saved=yes
    fi
fi
switched=yes
if [ -n "$old" ]; then
    move_old
    # Units belong to their version.
    if [ ! -d "$prefix/$old/units" ]; then
        run mkdir -p "$prefix/$old/units"
        for unit in "$root$UNITS"/edge-tosca-*.service "$root$UNITS"/edge-tosca-*.timer; do
            [ ! -f "$unit" ] || run install -m 644 "$unit" "$prefix/$old/units/${unit##*/}"
        done
    fi
fi
switch_to "versions/$name"

# Units, settings, token

run mkdir -p "$root$UNITS"
run mkdir -p "$venv/units"
for unit in "$here"/units/*; do
    run install -m 644 "$unit" "$venv/units/${unit##*/}"
    run install -m 644 "$unit" "$root$UNITS/${unit##*/}"
done
[ -d "$root$SETTINGS" ] || run install -d -m 755 "$root$SETTINGS"
for setting in console.conf watch-example.conf backup.conf; do
    [ -e "$root$SETTINGS/$setting" ] || run install -m 600 "$here/settings/$setting" "$root$SETTINGS/$setting"
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

# Keep this version and the one before it.
remove_older() {
    for version in "$prefix"/versions/*; do
        case versions/${version##*/} in
        "versions/$name" | "$old" | 'versions/*') ;;
        *) run rm -rf "$version" "$root$STATE/backups/before-${version##*/}.tosca" ;;
        esac
    done
}

if [ -n "$root" ] && ! booted; then
    remove_older
    say "Everything is under $root; nothing was started."
    exit 0
fi
units_changed
run "$SYSTEMCTL" enable "$CONSOLE"
if [ "$nightly" = yes ]; then
    if booted && [ "$start" = yes ]; then
        run "$SYSTEMCTL" enable --now "$TIMER"
    else
        run "$SYSTEMCTL" enable "$TIMER"
    fi
fi
if ! booted || [ "$start" = no ]; then
    trap - INT TERM HUP EXIT
    remove_older
    # What was running before the update runs after it.
    if [ "$stopped" = yes ] && [ "$console" = active ]; then start_services; fi
    say "The console starts with the system; it asks once for the token: sudo cat $SETTINGS/token"
elif [ -z "$old" ]; then
    start_services
    say "The console is at http://localhost:8600/ on this box; it asks once for the token: sudo cat $SETTINGS/token"
else
    start_services || update_failed "edge-tosca $name does not start"
    if [ "$doctor" = yes ]; then
        if [ -s "$store" ]; then set -- "$store"; else set --; fi
        run "$venv/bin/edge-tosca" doctor "$@" ||
            update_failed "edge-tosca doctor of $name found a fault (--no-doctor updates all the same)"
    fi
    trap - INT TERM HUP EXIT
    remove_older
    say "edge-tosca is updated from ${old#versions/} to $name; the store from before is $copy"
fi
say "Settings: $SETTINGS/console.conf. Status: systemctl status $CONSOLE. Log: journalctl -u $CONSOLE"
