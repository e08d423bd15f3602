"""The JSON and the exit codes that outside programs rely on."""

import json
import re

import numpy as np
import pytest

ANSWER = {"label", "confidence", "unknown", "task", "top", "milliseconds"}


@pytest.fixture(scope="module")
def lesson(edge, photos, tmp_path_factory):
    store = tmp_path_factory.mktemp("lesson") / "shop.tosca"
    assert edge("init", store, "--json").json["store"] == str(store)
    first = edge("learn", store, photos / "task1", "--json").json
    second = edge("learn", store, photos / "task2", "--task", "the field", "--json").json
    return store, first, second


def check_answer(answer, labels, top):
    assert set(answer) >= ANSWER
    assert answer["label"] in labels
    assert 0 <= answer["confidence"] <= 1
    assert isinstance(answer["unknown"], bool)
    assert isinstance(answer["task"], str)
    assert len(answer["top"]) == min(top, len(labels))
    assert answer["top"][0]["label"] == answer["label"]
    assert answer["top"][0]["confidence"] == answer["confidence"]
    confidences = [guess["confidence"] for guess in answer["top"]]
    assert confidences == sorted(confidences, reverse=True)
    assert set(answer["milliseconds"]) >= {"decode", "features", "decide"}
    assert all(value >= 0 for value in answer["milliseconds"].values())


def test_learn_reports_every_key_of_the_contract(lesson):
    _, first, second = lesson
    assert set(first) >= {
        "generation", "task", "classes", "images", "skipped", "seconds", "module", "gate"
    }  # fmt: skip
    assert (first["generation"], second["generation"]) == (1, 2)
    assert second["task"] == "the field"
    assert first["task"]
    assert first["classes"] == ["apple", "brick"]
    assert first["images"] == 16
    assert first["skipped"] == []
    assert set(first["seconds"]) >= {"features", "train", "commit", "total"}
    assert set(first["module"]) >= {"digest", "parameters", "nonzero", "bytes"}
    assert 0 < first["module"]["nonzero"] <= first["module"]["parameters"]
    for report in (first, second):
        gate = report["gate"]
        assert gate["verdict"] in ("accept", "warn", "reject")
        assert {"accuracy_new", "accuracy_old_before", "accuracy_old_after"} <= set(gate)
        assert isinstance(gate["confusions"], list)
        assert isinstance(gate["suspects"], list)
    assert first["gate"]["accuracy_old_before"] is None
    assert 0 <= second["gate"]["accuracy_old_before"] <= 1
    assert 0 <= second["gate"]["accuracy_old_after"] <= 1


def test_classes_reports_what_learn_taught(lesson, edge):
    store, first, second = lesson
    found = edge("classes", store, "--json").json
    assert found["generation"] == 2
    assert [entry["label"] for entry in found["classes"]] == ["apple", "brick", "cone", "door"]
    for entry in found["classes"]:
        assert set(entry) >= {"label", "task", "images", "learned_at"}
        assert entry["images"] == 8
    for entry, report in zip(found["modules"], (first, second), strict=True):
        filed = {key: value for key, value in report["module"].items() if key != "cross_fitted"}
        assert {key: entry[key] for key in filed} == filed
        assert (entry["task"], entry["classes"]) == (report["task"], report["classes"])


def test_predict_prints_one_object_a_picture_in_the_order_of_the_call(lesson, edge, asked):
    store = lesson[0]
    paths = [asked / "door" / "100.jpg", asked / "apple" / "101.jpg", asked / "cone" / "102.jpg"]
    ran = edge("predict", store, *paths, "--json")
    assert ran.code == 0
    assert [answer["path"] for answer in ran.lines] == [str(path) for path in paths]
    for answer, path in zip(ran.lines, paths, strict=True):
        check_answer(answer, ("apple", "brick", "cone", "door"), 3)
        assert answer["label"] == path.parent.name


@pytest.mark.parametrize("top", [1, 2, 4, 9])
def test_predict_gives_as_many_guesses_as_asked_for_and_known(lesson, edge, asked, top):
    answer = edge("predict", lesson[0], asked / "apple" / "100.jpg", "--top", top, "--json").json
    check_answer(answer, ("apple", "brick", "cone", "door"), top)
    if top >= 4:
        # All classes are listed: float32 probabilities add up to 1 but for rounding.
        assert sum(guess["confidence"] for guess in answer["top"]) == pytest.approx(1, abs=1e-5)


def test_predict_burst_gives_one_object_for_all_paths(lesson, edge, asked):
    paths = sorted((asked / "cone").iterdir())
    answer = edge("predict", lesson[0], *paths, "--burst", "--json").json
    assert answer["paths"] == [str(path) for path in paths]
    check_answer(answer, ("apple", "brick", "cone", "door"), 3)
    assert answer["label"] == "cone"


def test_a_picture_that_cannot_be_read_is_told_by_its_path_and_is_no_part_of_a_burst(
    lesson, edge, asked, tmp_path
):
    paths = [tmp_path / folder / "same.jpg" for folder in ("here", "there")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(b"not a picture")
    ran = edge("predict", lesson[0], *paths)
    lines = ran.err.splitlines()
    told = zip(lines, paths, strict=True)
    assert all(line.startswith(f"edge-tosca: {path}: not a picture") for line, path in told)
    good = asked / "cone" / "100.jpg"
    *errors, answer = edge("predict", lesson[0], paths[0], good, "--burst", "--json").lines
    assert [error["path"] for error in errors] == [str(paths[0])]
    assert answer["paths"] == [str(good)]


def test_a_burst_of_one_frame_is_answered_as_the_picture_alone(lesson, edge, asked):
    path = asked / "brick" / "100.jpg"
    single = edge("predict", lesson[0], path, "--json").json
    burst = edge("predict", lesson[0], path, "--burst", "--json").json
    assert burst["label"] == single["label"]
    assert burst["confidence"] == pytest.approx(single["confidence"], abs=1e-6)


def test_a_picture_that_cannot_be_read_is_told_in_its_place_and_the_others_are_answered(
    lesson, edge, asked, tmp_path
):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    missing = tmp_path / "missing.jpg"
    good = asked / "apple" / "100.jpg"
    ran = edge("predict", lesson[0], broken, good, missing, good, "--json")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    first, second, third, fourth = ran.lines
    assert set(first) >= {"path", "error"}
    assert (first["path"], third["path"]) == (str(broken), str(missing))
    assert first["error"] != third["error"]
    for answer in (second, fourth):
        assert answer["label"] == "apple"


def test_evaluate_reports_every_key_and_counts_right(lesson, edge, asked, tmp_path):
    store = lesson[0]
    folder = tmp_path / "questions"
    for label in ("apple", "cone"):
        (folder / label).mkdir(parents=True)
        for path in (asked / label).iterdir():
            (folder / label / path.name).write_bytes(path.read_bytes())
    # A wrong truth must count as a mistake: two cones in the folder of apples.
    for number in (100, 101):
        data = (asked / "cone" / f"{number}.jpg").read_bytes()
        (folder / "apple" / f"wrong{number}.jpg").write_bytes(data)
    found = edge("evaluate", store, folder, "--report", tmp_path / "report", "--json").json
    assert set(found) >= {"images", "accuracy", "per_class", "unknown_rate", "router", "seconds"}
    assert found["images"] == 8
    assert found["per_class"] == {"apple": 0.6, "cone": 1.0}
    assert found["accuracy"] == 0.75
    assert 0 <= found["unknown_rate"] <= 1
    assert found["router"] == "fused"
    assert any((tmp_path / "report").iterdir())


def test_evaluate_answers_as_predict_does(lesson, edge, asked):
    paths = [
        path for label in ("apple", "brick", "cone", "door") for path in sorted((asked / label).iterdir())
    ]
    answers = edge("predict", lesson[0], *paths, "--json").lines
    right = [answer["label"] == path.parent.name for answer, path in zip(answers, paths, strict=True)]
    found = edge("evaluate", lesson[0], asked, "--json").json
    assert found["images"] == len(paths)
    assert found["accuracy"] == pytest.approx(np.mean(right))
    assert found["unknown_rate"] == pytest.approx(np.mean([answer["unknown"] for answer in answers]))


def test_history_rollback_and_forget_tell_what_happened(lesson, edge, copy_store, tmp_path):
    store = copy_store(lesson[0], tmp_path / "shop.tosca")
    rolled = edge("rollback", store, "--json").json
    assert (rolled["generation"], rolled["restored"]) == (3, 1)
    forgotten = edge("forget", store, "apple", "--json").json
    assert forgotten["generation"] == 4
    entries = edge("history", store, "--json").json["generations"]
    assert [entry["command"] for entry in entries] == ["learn", "learn", "rollback", "forget"]
    assert [entry["number"] for entry in entries] == [1, 2, 3, 4]
    assert entries[1]["parent"] == 1
    assert all(entry["made_at"] for entry in entries)
    assert entries[0]["report"]["gate"]["verdict"] == "accept"
    known = edge("classes", store, "--json").json
    assert known["generation"] == 4
    assert [entry["label"] for entry in known["classes"]] == ["brick"]


def test_a_rollback_says_what_stays_forgotten(lesson, edge, copy_store, tmp_path):
    store = copy_store(lesson[0], tmp_path / "shop.tosca")
    assert "but for" not in edge("rollback", store, 1).out
    edge("forget", store, "apple")
    told = edge("rollback", store, 2)
    assert "has the classes of generation 2 without those forgotten since (apple): brick" in told.out
    assert edge("rollback", store, 2, "--json").json["forgotten"] == ["apple"]


def test_embed_writes_features_labels_class_names_and_paths(edge, photos, tmp_path):
    out = tmp_path / "features.npz"
    report = edge("embed", photos / "task1", "--out", out, "--json").json
    assert report["images"] == 16
    with np.load(out, allow_pickle=False) as found:
        assert set(found.files) >= {"features", "labels", "class_names", "paths"}
        assert found["features"].dtype == np.float32
        assert found["features"].shape == (16, report["feature_dim"])
        assert found["class_names"].tolist() == ["apple", "brick"]
        named = [found["class_names"][label] for label in found["labels"]]
        assert named == [path.split("/")[-2] for path in found["paths"]]
        assert np.isfinite(found["features"]).all()


def test_the_verbs_can_be_told_runtime_device_and_threads(lesson, edge, asked, photos, copy_store, tmp_path):
    where = ("--runtime", "onnxruntime", "--device", "CPU", "--threads", "1", "--json")
    store = copy_store(lesson[0], tmp_path / "shop.tosca")
    assert edge("predict", store, asked / "apple", *where).code == 0
    assert edge("evaluate", store, asked, *where).code == 0
    assert edge("learn", store, photos / "task3", *where).code == 0
    assert edge("embed", photos / "task1", "--out", tmp_path / "f.npz", *where).code == 0


def test_one_class_is_learned_from_pictures_by_name(lesson, edge, asked, copy_store, tmp_path):
    store = copy_store(lesson[0], tmp_path / "shop.tosca")
    paths = sorted((asked / "zebra").iterdir())
    report = edge("learn", store, "--class", "zebra crossing", *paths, "--json").json
    assert report["classes"] == ["zebra crossing"]
    assert report["images"] == 3
    assert edge("predict", store, paths[0], "--json").json["label"] == "zebra crossing"


def test_of_one_class_alone_the_share_is_the_probability_that_a_picture_shows_it(
    edge, photos, asked, tmp_path
):
    store = tmp_path / "shop.tosca"
    edge("init", store)
    first, second = sorted(path.name for path in (photos / "task1").iterdir())[:2]
    told = edge("learn", store, "--class", first, photos / "task1" / first).out
    assert f"{first} is the only class; teach a second one" in told
    picture = next((asked / first).iterdir())
    assert re.search(rf": (unknown \d+%; most like )?{first} \d\d?%\n", edge("predict", store, picture).out)
    assert "%" not in told
    edge("learn", store, "--class", second, photos / "task1" / second)
    assert re.search(rf": (unknown \d+%; most like )?{first} \d+%", edge("predict", store, picture).out)


def test_json_is_one_line_of_utf8_that_keeps_every_script(edge, asked, taught, copy_store, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    ran = edge("learn", store, "--class", "斑马", asked / "zebra", "--json")
    assert json.loads(ran.out)["classes"] == ["斑马"]
    assert "斑马" in ran.out


@pytest.mark.parametrize(
    "words",
    [
        ("juggle",),
        ("learn",),
        ("predict", "shop.tosca"),
        ("predict", "shop.tosca", "a.jpg", "--top", "0"),
        ("predict", "shop.tosca", "a.jpg", "--threads", "0"),
        ("predict", "shop.tosca", "a.jpg", "--runtime", "abacus"),
        ("predict", "shop.tosca", "a.jpg", "--colour"),
        ("rollback", "shop.tosca", "yesterday"),
        ("embed", "folder"),
    ],
    ids=lambda words: " ".join(words),
)
def test_wrong_usage_ends_with_code_2_and_makes_nothing(edge, tmp_path, words):
    ran = edge(*words, cwd=tmp_path)
    assert ran.code == 2
    (line,) = ran.err.splitlines()
    assert line.startswith("edge-tosca: ")
    assert line.endswith(" --help")
    assert list(tmp_path.iterdir()) == []


def test_doctor_has_a_line_for_each_thing_it_looked_at(edge, taught, tmp_path):
    # The processor of this machine may be none that a profile knows, which is no failure.
    found = edge("doctor", taught, "--json", cwd=tmp_path).json["findings"]
    lines = edge("doctor", taught, cwd=tmp_path).out.splitlines()
    assert [line.split()[1] for line in lines[: len(found)]] == [each["what"].split()[0] for each in found]


def test_no_words_at_all_get_the_help(edge):
    for words in ((), ("pack",)):
        ran = edge(*words)
        assert (ran.code, ran.err) == (2, "")
        assert "Usage: " in ran.out


def test_two_pictures_without_a_class_name_are_wrong_usage(edge, taught, asked):
    ran = edge("learn", taught, asked / "apple" / "100.jpg", asked / "apple" / "101.jpg")
    assert ran.code == 2
    assert "--class" in ran.err
