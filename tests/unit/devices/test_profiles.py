import pytest

from edge_tosca.devices import PROFILES, detect, read_machine

PI_4 = "Raspberry Pi 4 Model B Rev 1.4\0"
PI_5 = "Raspberry Pi 5 Model B Rev 1.0\0"
A72 = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n"
A76 = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes asimdhp asimddp\nCPU part\t: 0xd0b\n"
VNNI = "model name\t: Some Processor @ 3 GHz\nflags\t\t: fpu avx2 avx_vnni\n"
AVX512_VNNI = "model name\t: Some Server\nflags\t\t: fpu avx2 avx512f avx512_vnni\n"
AVX2 = "model name\t: An Older One\nflags\t\t: fpu sse4_1 avx2\n"


@pytest.mark.parametrize(
    ("board", "architecture", "cpuinfo", "npu", "profile"),
    [
        (PI_4, "aarch64", A72, False, "raspberry-pi-4"),
        ("Raspberry Pi Compute Module 4 Rev 1.1\0", "aarch64", A72, False, "raspberry-pi-4"),
        (PI_5, "aarch64", A76, False, "raspberry-pi-5"),
        ("Raspberry Pi 500 Rev 1.0\0", "aarch64", A76, False, "raspberry-pi-5"),
        ("Some Board", "aarch64", A76, False, "arm-dot"),
        ("", "arm64", A72, False, "arm"),
        ("", "x86_64", VNNI, False, "x86-vnni"),
        ("", "x86_64", AVX512_VNNI, False, "x86-vnni"),
        ("", "AMD64", AVX2, False, "x86"),
        ("", "x86_64", VNNI, True, "intel-npu"),
        ("", "riscv64", "", False, "other"),
        (PI_4, "armv7l", "", False, "other"),
    ],
)
def test_a_machine_is_known_by_its_device_tree_its_architecture_and_its_instructions(
    board, architecture, cpuinfo, npu, profile
):
    assert detect(read_machine(board, architecture, cpuinfo, npu)).name == profile


def test_a_board_is_named_without_the_zero_byte_that_ends_its_device_tree_text():
    assert read_machine(PI_5, "aarch64", A76, False).board == "Raspberry Pi 5 Model B Rev 1.0"


def test_int8_instructions_are_read_from_the_features_line_and_not_from_names_that_contain_them():
    assert read_machine("", "aarch64", A76, False).int8 == ("asimddp",)
    assert read_machine("", "aarch64", A72, False).int8 == ()
    assert read_machine("", "x86_64", "model name: avx_vnni\nflags: avx_vnni_int8\n", False).int8 == ()


def test_a_machine_that_tells_nothing_gets_the_careful_profile():
    assert detect(read_machine("", "", "no colon here\n:\n", False)).name in PROFILES


def test_this_machine_has_a_profile():
    assert detect() is PROFILES[detect().name]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_profile_says_why(profile):
    assert profile.why
    assert profile.runtime in ("onnxruntime", "openvino")
    assert profile.sources or profile.name == "other"
