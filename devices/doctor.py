"""The doctor: everything that can be wrong with a box, looked at in one go."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from edge_tosca.devices.backbone_check import examine_sight
from edge_tosca.devices.findings import Finding
from edge_tosca.devices.host_check import examine_disk, examine_host
from edge_tosca.devices.processor import read_machine
from edge_tosca.devices.profiles import detect
from edge_tosca.devices.runtime_check import examine_engines
from edge_tosca.devices.store_check import examine_store
from edge_tosca.devices.throttling_check import examine_conditions
from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime import Fingerprint
from edge_tosca.store.store import Store


def examine(
    store: Path | None = None,
    bundle: Path | None = None,
    runtime: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    root: Path = Path("/"),
) -> list[Finding]:
    """Look at the machine, the backbone and a store. Nothing is changed and nothing is raised.

    Args:
        store: a learner's store; None to look at the box alone.
        bundle: folder of the backbone; None for the store's, or the one that ships with edge-tosca.
        runtime: "onnxruntime" or "openvino"; None for the store's, or onnxruntime.
        device: "CPU", "GPU", "NPU" or "AUTO"; None for the store's, or CPU.
        threads: of the backbone; None for the runtime's own choice.
        root: the folder that holds proc, sys and dev: this machine's, or a copy of another's.

    Returns:
        The findings, in the order in which they were looked at.
    """
    settings = _settings(store)
    known = settings.get("bundle") or None
    chosen = bundle or (None if known is None else Path(known))
    engine, kind = runtime or settings.get("runtime", "onnxruntime"), device or settings.get("device", "CPU")

    machine = read_machine(root)
    profile = detect(machine)
    folder = Path.cwd() if store is None else store.absolute().parent
    findings = _safely("this machine", lambda: examine_host(machine, profile, root))
    findings += _safely("disk", lambda: examine_disk(folder))
    findings += _safely("runtimes", lambda: examine_engines(machine, root))
    seen: list[Fingerprint] = []
    findings += _safely("backbone", lambda: examine_sight(chosen, engine, kind, threads, seen.append, root))
    # After the backbone ran: heat and throttling show under load.
    findings += _safely("conditions", lambda: examine_conditions(profile, root))
    if store is not None:
        findings += _safely("store", lambda: examine_store(store, seen[0] if seen else None))
    return findings


def _settings(path: Path | None) -> dict[str, str]:
    if path is not None:
        # What is wrong with the store is a finding of its own.
        with suppress(EdgeToscaError, OSError, ValueError):
            store = Store.open(path)
            store.close()
            return store.settings
    return {}


def _safely(what: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    # A doctor that dies of the disease is of no use: whatever a broken box raises is a finding too.
    findings: list[Finding] = []
    try:
        findings.extend(look())
    except EdgeToscaError as error:
        findings.append(Finding(what, False, str(error), "see the detail"))
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        findings.append(Finding(what, False, f"{type(error).__name__}: {reason}", "report this"))
    return findings
