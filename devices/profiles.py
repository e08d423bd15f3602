"""The boxes this runs on: which runtime, device and threads each wants, and why."""

from dataclasses import dataclass

from edge_tosca.devices.processor import Machine, read_machine

_ARM = "https://developer.arm.com/documentation"
_ORT = "https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html"
_OPENVINO = "https://docs.openvino.ai/2025/documentation/compatibility-and-support/supported-devices.html"


@dataclass(frozen=True)
class Profile:
    """How to run the backbone on a kind of box.

    Attributes:
        name: of the profile.
        title: for the reader.
        runtime: "onnxruntime" or "openvino".
        device: "CPU" or "NPU".
        threads: of the backbone; None for the runtime's own choice, one a physical core.
        why: reasons, one sentence each.
        sources: where the facts in them stand.
    """

    name: str
    title: str
    runtime: str
    device: str
    threads: int | None
    why: tuple[str, ...]
    sources: tuple[str, ...]


RASPBERRY_PI_4 = Profile(
    name="raspberry-pi-4",
    title="Raspberry Pi 4 (four Cortex-A72)",
    runtime="onnxruntime",
    device="CPU",
    threads=4,
    why=(
        "Cortex-A72 implements Armv8.0-A, which has no int8 dot product: int8 saves memory more than time.",
        "Four threads use its four cores; leave one out with --threads 3 if the camera needs it.",
    ),
    sources=(
        f"{_ARM}/100095 (Cortex-A72 manual)",
        "https://www.raspberrypi.com/documentation/computers/processors.html",
    ),
)
RASPBERRY_PI_5 = Profile(
    name="raspberry-pi-5",
    title="Raspberry Pi 5 (four Cortex-A76)",
    runtime="onnxruntime",
    device="CPU",
    threads=4,
    why=(
        "Cortex-A76 has the int8 dot product (asimddp), which ONNX Runtime's int8 kernels use.",
        "Four threads use its four cores; leave one out with --threads 3 if the camera needs it.",
    ),
    sources=(
        f"{_ARM}/100798 (Cortex-A76 manual)",
        "https://www.raspberrypi.com/documentation/computers/processors.html",
    ),
)
INTEL_NPU = Profile(
    name="intel-npu",
    title="Intel processor with an NPU",
    runtime="openvino",
    device="NPU",
    threads=None,
    why=(
        "OpenVINO drives the NPU, which takes static shapes only, as every bundle here has.",
        "Features of an NPU differ from a processor's: make the store with the device that will ask it.",
        "An NPU was seen to be silently wrong: trust it only after the doctor's golden pictures agree.",
    ),
    sources=(_OPENVINO,),
)
X86_VNNI = Profile(
    name="x86-vnni",
    title="x86-64 processor with VNNI",
    runtime="onnxruntime",
    device="CPU",
    threads=None,
    why=("VNNI multiplies and adds int8 exactly in one step: the shipped int8 backbone is at its fastest.",),
    sources=(_ORT,),
)
X86 = Profile(
    name="x86",
    title="x86-64 processor without VNNI",
    runtime="onnxruntime",
    device="CPU",
    threads=None,
    why=(
        "Without VNNI the int8 products of unsigned by signed numbers can saturate: features may be off.",
        "Heed the doctor's golden pictures; export the bundle with --precision fp32 if they disagree.",
    ),
    sources=(_ORT,),
)
ARM_DOT = Profile(
    name="arm-dot",
    title="64-bit ARM processor with int8 dot product",
    runtime="onnxruntime",
    device="CPU",
    threads=None,
    why=("The processor has the int8 dot product (asimddp), which ONNX Runtime's int8 kernels use.",),
    sources=(f"{_ARM}/ddi0602 (SDOT, UDOT)",),
)
ARM = Profile(
    name="arm",
    title="64-bit ARM processor without int8 dot product",
    runtime="onnxruntime",
    device="CPU",
    threads=None,
    why=("The processor has no int8 dot product: int8 saves memory more than time.",),
    sources=(f"{_ARM}/ddi0602 (SDOT, UDOT)",),
)
OTHER = Profile(
    name="other",
    title="another machine",
    runtime="onnxruntime",
    device="CPU",
    threads=None,
    why=("Nothing is known of this machine: heed the doctor's golden pictures.",),
    sources=(),
)

PROFILES = {
    profile.name: profile
    for profile in (RASPBERRY_PI_4, RASPBERRY_PI_5, INTEL_NPU, X86_VNNI, X86, ARM_DOT, ARM, OTHER)
}


def detect(machine: Machine | None = None) -> Profile:
    """Choose the profile of a machine.

    Args:
        machine: which; the one this runs on where None.

    Returns:
        Its profile; "other" where nothing fits.
    """
    machine = machine or read_machine()
    if machine.architecture in ("aarch64", "arm64"):
        # The Compute Modules and the 400 and 500 carry the same processors.
        for profile, boards in (
            (RASPBERRY_PI_4, ("Raspberry Pi 4", "Raspberry Pi Compute Module 4")),
            (RASPBERRY_PI_5, ("Raspberry Pi 5", "Raspberry Pi Compute Module 5")),
        ):
            if machine.board.startswith(boards):
                return profile
        return ARM_DOT if "asimddp" in machine.int8 else ARM
    if machine.architecture in ("x86_64", "amd64"):
        if machine.npu:
            return INTEL_NPU
        return X86_VNNI if {"avx_vnni", "avx512_vnni"} & set(machine.int8) else X86
    return OTHER
