"""What a box's kernel tells of heat, throttling, supply and clock is read and judged."""

import pytest

from edge_tosca.devices import PROFILES
from edge_tosca.devices.throttling_check import examine_throttling

ZONE = "sys/class/thermal/thermal_zone0"
CLOCK = "sys/devices/system/cpu/cpu0/cpufreq"
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


def conditions(root, profile="raspberry-pi-5"):
    return {finding.what: finding for finding in examine_throttling(PROFILES[profile], root)}


def test_a_system_that_tells_nothing_is_not_called_sick(plant):
    found = conditions(plant({}))
    assert set(found) == {"temperature", "throttling", "governor"}
    assert all(finding.ok and not finding.remedy for finding in found.values())
    assert all("not reported" in finding.detail for finding in found.values())


@pytest.mark.parametrize(
    ("temperature", "trips", "ok"),
    [
        ("61200\n", {}, True),
        ("80500\n", {}, False),
        ("61200\n", {"passive": "65000"}, False),
        ("61200\n", {"critical": "64000"}, True),
        ("88000\n", {"passive": "100000"}, True),
        ("61200\n", {"passive": "0"}, True),
    ],
)
def test_a_box_is_hot_near_the_temperature_at_which_its_kernel_slows_it_down(plant, temperature, trips, ok):
    files = {f"{ZONE}/temp": temperature, f"{ZONE}/type": "cpu-thermal\n"}
    for number, (kind, value) in enumerate(trips.items()):
        files[f"{ZONE}/trip_point_{number}_type"] = f"{kind}\n"
        files[f"{ZONE}/trip_point_{number}_temp"] = f"{value}\n"
    finding = conditions(plant(files))["temperature"]
    assert finding.ok is ok
    assert finding.values["celsius"] == pytest.approx(float(temperature) / 1000)
    assert ("Active Cooler" in finding.remedy) is not ok


def test_the_hottest_zone_counts_and_one_that_cannot_be_read_does_not(plant):
    files = {"sys/class/thermal/thermal_zone1/temp": "71000\n", f"{ZONE}/temp": "40000\n"}
    found = conditions(plant({**files, "sys/class/thermal/thermal_zone2/temp": "\n"}))
    assert found["temperature"].values["celsius"] == 71.0


@pytest.mark.parametrize(
    ("told", "ok", "words", "remedy"),
    [
        ("0\n", True, "never", ""),
        ("0x0\n", True, "never", ""),
        ("50005\n", False, "now: the supply's voltage is too low, throttled", "power supply"),
        ("50000\n", True, "since it started: the supply's voltage is too low, throttled", "power supply"),
        (
            "e0008\n",
            False,
            "now: at the soft limit; since it started: the clock is capped, throttled",
            "Cooler",
        ),
    ],
)
def test_the_firmwares_throttling_bits_are_put_into_words(plant, told, ok, words, remedy):
    finding = conditions(plant({FIRMWARE: told}))["throttling"]
    assert finding.ok is ok
    assert words in finding.detail
    assert remedy in finding.remedy
    assert bool(finding.remedy) is bool(remedy)


@pytest.mark.parametrize(("alarm", "ok"), [("0", True), ("1", False)])
def test_without_the_firmwares_file_the_supplys_alarm_is_read(plant, alarm, ok):
    chip = "sys/class/hwmon/hwmon1"
    root = plant({f"{chip}/name": "rpi_volt\n", f"{chip}/in0_lcrit_alarm": f"{alarm}\n"})
    finding = conditions(root)["throttling"]
    assert finding.ok is ok
    assert finding.values == {"under_voltage": not ok}


def test_intels_counters_of_throttling_are_advice_and_no_alarm(plant):
    folder = "sys/devices/system/cpu/cpu{}/thermal_throttle/"
    files = {
        folder.format(0) + "core_throttle_count": "0\n",
        folder.format(1) + "package_throttle_count": "7\n",
    }
    finding = conditions(plant(files), "x86-vnni")["throttling"]
    assert finding.ok
    assert finding.remedy
    assert finding.values == {"events": 7}


@pytest.mark.parametrize(
    ("governor", "driver", "ok", "advised"),
    [
        ("performance", "cpufreq-dt", True, False),
        ("schedutil", "acpi-cpufreq", True, False),
        ("ondemand", "cpufreq-dt", True, True),
        ("powersave", "cpufreq-dt", False, True),
        ("powersave", "intel_pstate", True, False),
        ("powersave", "amd-pstate-epp", True, False),
    ],
)
def test_only_a_clock_that_stays_at_its_lowest_is_wrong(plant, governor, driver, ok, advised):
    root = plant({f"{CLOCK}/scaling_governor": f"{governor}\n", f"{CLOCK}/scaling_driver": f"{driver}\n"})
    finding = conditions(root)["governor"]
    assert finding.ok is ok
    assert bool(finding.remedy) is advised


def test_a_clock_that_may_not_rise_to_its_highest_is_told_with_the_command_that_lets_it(plant):
    root = plant(
        {
            f"{CLOCK}/scaling_governor": "performance\n",
            f"{CLOCK}/scaling_max_freq": "1500000\n",
            f"{CLOCK}/cpuinfo_max_freq": "2400000\n",
        }
    )
    finding = conditions(root)["governor"]
    assert "1500 of 2400 MHz" in finding.detail
    assert "echo 2400000" in finding.remedy
