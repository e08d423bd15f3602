"""Run all checks of a device, its backbone and its store."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from edge_tosca.devices.backbone_check import examine_backbone
from edge_tosca.devices.bundle_choice import examine_choice
from edge_tosca.devices.findings import Finding
from edge_tosca.devices.host_check import examine_disk, examine_host
from edge_tosca.devices.processor import read_machine
from edge_tosca.devices.profiles import detect
from edge_tosca.devices.runtime_check import examine_runtimes
from edge_tosca.devices.store_check import examine_store
from edge_tosca.devices.throttling_check import examine_throttling
from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime import Fingerprint
from edge_tosca.store.location import real_path
from edge_tosca.store.store import Store


def examine(
    store: Path | None = None,
    bundle: Path | None = None,
    runtime: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    root: Path = Path("/"),
    key_file: Path | None = None,
) -> list[Finding]:
    """Examine the machine, the backbone and a store, without changing anything and without raising.

    Args:
        store: a learner's store; None to examine the device alone.
        bundle: folder of the backbone; None for the store's, or the one that ships with edge-tosca.
        runtime: "onnxruntime" or "openvino"; None for the store's, or onnxruntime.
        device: "CPU", "GPU", "NPU" or "AUTO"; None for the store's, or CPU.
        threads: of the backbone; None for the runtime's own choice.
        root: the folder that holds proc, sys and dev: this machine's, or a copy of another's.
        key_file: key of an encrypted store; None for the places that `find_key` looks at.

    Returns:
        The findings, in the order of the checks.
    """
    settings = _settings(store, key_file)
    stored = settings.get("bundle") or None
    chosen_bundle = bundle or (None if stored is None else Path(stored))
    chosen_runtime = runtime or settings.get("runtime", "onnxruntime")
    chosen_device = device or settings.get("device", "CPU")

    machine = read_machine(root)
    profile = detect(machine)
    folder = Path.cwd() if store is None else real_path(store).parent
    findings = _safely("this machine", lambda: examine_host(machine, profile, root))
    findings += _safely("disk", lambda: examine_disk(folder))
    findings += _safely("runtimes", lambda: examine_runtimes(machine, root))
    origins: list[Fingerprint] = []
    findings += _safely(
        "backbone",
        lambda: examine_backbone(chosen_bundle, chosen_runtime, chosen_device, threads, origins.append, root),
    )
    findings += _safely(
        "built-in bundle",
        lambda: examine_choice(chosen_bundle, chosen_runtime, chosen_device, threads, store),
    )
    # After the inference, since heat and throttling appear under load.
    findings += _safely("conditions", lambda: examine_throttling(profile, root))
    if store is not None:
        findings += _safely("store", lambda: examine_store(store, origins[0] if origins else None, key_file))
    return findings


def _settings(path: Path | None, key_file: Path | None) -> dict[str, str]:
    if path is not None:
        # Errors of the store are reported by `examine_store`.
        with suppress(EdgeToscaError, OSError, ValueError):
            store = Store.open(path, key_file)
            store.close()
            return store.settings
    return {}


def _safely(what: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    # The other checks must run on a faulty device too, so an exception becomes a finding.
    findings: list[Finding] = []
    try:
        findings.extend(check())
    except EdgeToscaError as error:
        findings.append(Finding(what, False, str(error), "see the detail"))
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        findings.append(Finding(what, False, f"{type(error).__name__}: {reason}", "report this"))
    return findings
