import dataclasses
import tomllib
from pathlib import Path

import pytest

from edge_tosca import devices
from edge_tosca.devices import PROFILES, Profile, detect, read_machine
from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime import DEFAULT_BUNDLE, RUNTIMES, Bundle

BOXES = sorted((Path(devices.__file__).parent / "boxes").glob("*.toml"))

PI_4 = "Raspberry Pi 4 Model B Rev 1.4\0"
PI_5 = "Raspberry Pi 5 Model B Rev 1.0\0"
A72 = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n"
A76 = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes asimdhp asimddp\nCPU part\t: 0xd0b\n"
VNNI = "model name\t: Some Processor @ 3 GHz\nflags\t\t: fpu avx2 avx_vnni\n"
AVX512_VNNI = "model name\t: Some Server\nflags\t\t: fpu avx2 avx512f avx512_vnni\n"
AVX2 = "model name\t: An Older One\nflags\t\t: fpu sse4_1 avx2\n"


def npu(pci, vendor="0x8086", kind="0x120000"):
    device = "sys/bus/pci/devices/0000:00:0b.0"
    return {f"{device}/class": f"{kind}\n", f"{device}/vendor": f"{vendor}\n", f"{device}/device": f"{pci}\n"}


def machine(plant, board="", architecture="", cpuinfo="", pci=None):
    files = {"proc/cpuinfo": cpuinfo, **(npu(pci) if pci else {})}
    return read_machine(plant({**files, "proc/device-tree/model": board} if board else files), architecture)


@pytest.mark.parametrize(
    ("board", "architecture", "cpuinfo", "pci", "profile"),
    [
        (PI_4, "aarch64", A72, None, "raspberry-pi-4"),
        ("Raspberry Pi Compute Module 4 Rev 1.1\0", "aarch64", A72, None, "raspberry-pi-4"),
        ("Raspberry Pi 400 Rev 1.0\0", "aarch64", A72, None, "raspberry-pi-4"),
        (PI_5, "aarch64", A76, None, "raspberry-pi-5"),
        ("Raspberry Pi 500 Rev 1.0\0", "aarch64", A76, None, "raspberry-pi-5"),
        ("Some Board", "aarch64", A76, None, "arm-dot"),
        ("", "arm64", A72, None, "arm"),
        ("", "x86_64", VNNI, None, "x86-vnni"),
        ("", "x86_64", AVX512_VNNI, None, "x86-vnni"),
        ("", "AMD64", AVX2, None, "x86"),
        ("", "x86_64", VNNI, "0x7d1d", "intel-npu-meteor-lake"),
        ("", "x86_64", VNNI, "0xad1d", "intel-npu-meteor-lake"),
        ("", "x86_64", VNNI, "0x643e", "intel-npu-lunar-lake"),
        ("", "x86_64", VNNI, "0xb03e", "intel-npu"),
        ("", "riscv64", "", None, "other"),
        (PI_4, "armv7l", "", None, "other"),
        ("", "", "no colon here\n:\n", None, "other"),
    ],
)
def test_a_machine_is_known_by_its_device_tree_its_instructions_and_its_npu(
    plant, board, architecture, cpuinfo, pci, profile
):
    assert detect(machine(plant, board, architecture, cpuinfo, pci)).name == profile


def test_an_accelerator_of_another_maker_or_another_device_of_intel_is_no_npu(plant):
    assert read_machine(plant(npu("0x1234", vendor="0x1da3")), "x86_64").npu == ""
    assert read_machine(plant(npu("0x7d1d", kind="0x030000")), "x86_64").npu == ""


def test_a_board_is_named_without_the_zero_byte_that_ends_its_device_tree_text(plant):
    found = machine(plant, PI_5, "aarch64", A76)
    assert found.board == found.name == "Raspberry Pi 5 Model B Rev 1.0"


def test_int8_instructions_are_read_from_the_features_line_and_not_from_names_that_contain_them(plant):
    assert machine(plant, "", "aarch64", A76).int8 == ("asimddp",)
    assert machine(plant, "", "aarch64", A72).int8 == ()
    cpuinfo = "model name: avx_vnni\nflags: avx_vnni_int8\n"
    assert machine(plant, "", "x86_64", cpuinfo).int8 == ()


def test_this_machine_has_a_profile():
    assert detect() is PROFILES[detect().name]


def test_every_file_of_boxes_is_a_profile():
    assert len(BOXES) >= 10
    assert {path.stem for path in BOXES} == set(PROFILES)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_profile_says_what_to_use_and_why(profile):
    assert profile.why and profile.governor and profile.cooling and profile.camera
    assert profile.runtime in RUNTIMES
    assert profile.device in ("CPU", "NPU")
    assert profile.precision in ("int8", "fp32")
    assert profile.sources or profile.name == "other"


def test_a_profile_that_recommends_the_built_in_backbone_means_what_the_wheel_holds():
    shipped = Bundle.load(DEFAULT_BUNDLE)
    for profile in PROFILES.values():
        assert (profile.backbone, profile.precision) == (shipped.name, shipped.precision)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rank = 3", 'rank = "high"'),
        ("rank = 3", ""),
        ("[use]", "[usage]"),
        ("[use]", "[use]\nmicrophone = true"),
        ("threads = 4", "threads = true"),
        ("[fits]", "[fits]\nboards = [4]"),
        ("title =", "title"),
    ],
)
def test_a_malformed_profile_is_refused_in_one_line_that_names_it(old, new):
    content = next(path for path in BOXES if path.stem == "raspberry-pi-4").read_text()
    assert old in content
    tomllib.loads(content)
    with pytest.raises(EdgeToscaError, match="raspberry-pi-4") as caught:
        Profile.from_toml("raspberry-pi-4", content.replace(old, new, 1))
    assert "\n" not in str(caught.value)


def test_options_are_what_the_command_line_takes():
    profile = PROFILES["raspberry-pi-5"]
    assert profile.options == "--runtime onnxruntime --device CPU --threads 4"
    assert dataclasses.replace(profile, threads=None).options == "--runtime onnxruntime --device CPU"
