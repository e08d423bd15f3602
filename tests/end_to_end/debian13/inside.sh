#!/bin/sh
# Install the wheel in Debian 13 and run the device's tests: called by run.py in new mount, process and network
# namespaces. Nothing that is written inside reaches the cached root.
# usage: inside.sh ROOT SCRATCH EXTRAS PYTEST-ARGUMENT...
set -eu
base=$1 scratch=$2 extras=$3
shift 3

mount --make-rprivate /
mkdir -p "$scratch/layers" "$scratch/root"
mount -t tmpfs tmpfs "$scratch/layers"
mkdir "$scratch/layers/upper" "$scratch/layers/work"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$scratch/layers/upper,workdir=$scratch/layers/work" "$scratch/root"
mount -t proc proc "$scratch/root/proc"
mount --rbind /dev "$scratch/root/dev"
mkdir -p "$scratch/root/run/shared"
mount --bind "$scratch/shared" "$scratch/root/run/shared"
ip link set lo up 2>/dev/null || true

# The tests import what is installed: the checkout comes after the installed packages, and never first.
cat >"$scratch/root/run/go.sh" <<'END'
set -eu
extras=$1
shift
python3 -m venv /opt/edge-tosca
python=/opt/edge-tosca/bin/python
$python -m pip install --quiet --disable-pip-version-check --no-index --find-links /run/shared/wheels \
    "edge-tosca[$extras]" pytest pytest-xdist hypothesis httpx
echo /run/shared/source >"$(echo /opt/edge-tosca/lib/python3*/site-packages)/zz_source.pth"
cd /run/shared/source
$python --version
$python -m edge_tosca --version
$python -c 'import edge_tosca; print(edge_tosca.__file__)'
$python -m edge_tosca doctor || true
exec $python -m pytest -p no:cacheprovider --numprocesses 2 --dist loadfile "$@"
END
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 \
    chroot "$scratch/root" /bin/sh /run/go.sh "$extras" "$@"
