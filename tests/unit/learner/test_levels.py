"""A learner with features of several levels, and one that was taught before there were any."""

import logging

import numpy as np
import pytest
from tests.golden.stores import STORES

from edge_tosca import Learner
from edge_tosca.packs.exporting import export_classes
from edge_tosca.runtime import Bundle

WIDTHS = (96, 16, 24)


def features(label, count, widths=WIDTHS, seed=0):
    rng = np.random.default_rng([seed, label])
    centres = np.random.default_rng(label).gamma(1.0, 1.0, sum(widths))
    return (centres + rng.normal(size=(count, sum(widths)))).astype(np.float32)


@pytest.fixture
def shop(tmp_path):
    """An empty learner whose features have three parts."""
    made = [0]

    def create():
        made[0] += 1
        learner = Learner.create(tmp_path / f"{made[0]}.tosca")
        with learner.store.transaction():
            learner.store.audit_log.set_command("settings")
            learner.store.set_setting("feature_dim", str(sum(WIDTHS)))
            learner.store.set_setting("feature_parts", ",".join(map(str, WIDTHS)))
        return learner

    return create


def derived(learner, table):
    return {name: array.tobytes() for name, array in (learner.store.derived(table) or {}).items()}


def test_a_new_store_records_the_parts_of_the_built_in_backbone(tmp_path):
    learner = Learner.create(tmp_path / "shop.tosca")
    assert learner.store.settings["feature_parts"] == "1280,112,192,320"
    assert learner.store.widths == Bundle.load().widths


@pytest.mark.parametrize("count", [5, 40])
def test_forgetting_a_class_gives_the_bits_of_a_store_that_never_knew_it(shop, count):
    taught, never = shop(), shop()
    for label in (1, 2, 3):
        taught.learn_features({f"class {label}": features(label, count)}, force=True)
    taught.forget("class 2")
    for label in (1, 3):
        never.learn_features({f"class {label}": features(label, count)}, force=True)
    for table in ("routers", "statistics"):
        assert derived(taught, table) == derived(never, table)


def test_the_order_of_lessons_changes_no_sum_and_no_weight(shop):
    lessons = [{f"class {label}": features(label, 40)} for label in (1, 2, 3)]
    one, other = shop(), shop()
    for lesson in lessons:
        one.learn_features(lesson, force=True)
    for lesson in reversed(lessons):
        other.learn_features(lesson, force=True)
    assert np.array_equal(
        one.store.derived("statistics")["triangle"], other.store.derived("statistics")["triangle"]
    )
    assert one.model.router.part_weight == other.model.router.part_weight


def test_a_store_that_is_opened_again_answers_the_same(shop):
    learner = shop()
    learner.learn_features({f"class {label}": features(label, 12) for label in (1, 2, 3)}, force=True)
    asked = np.concatenate([features(label, 5, seed=1) for label in (1, 2, 3)])
    before = learner.predict_features(asked)
    learner.close()
    again = Learner.open(learner.store.path)
    assert again.predict_features(asked) == before


def test_a_module_reads_the_first_part_alone(shop):
    learner = shop()
    learner.learn_features({f"class {label}": features(label, 12) for label in (1, 2)}, force=True)
    module = learner.model._module(learner.state.tasks[0].module)
    assert module.prototypes.shape == (2, WIDTHS[0])


def test_levels_that_only_disturb_are_left_out(shop):
    learner, rng = shop(), np.random.default_rng(3)
    taught = {}
    for label in (1, 2, 3):
        rows = features(0, 30, seed=label)
        # The classes differ a little in the first part, and the levels are noise of many directions.
        rows[:, 8 * label : 8 * label + 8] += 1.2
        rows[:, WIDTHS[0] :] = rng.normal(size=(30, sum(WIDTHS[1:])))
        taught[f"class {label}"] = rows
    learner.learn_features(taught, force=True)
    assert learner.model.router.part_weight.weight == 0
    assert learner.model.router.discriminant.weights.shape[1] == WIDTHS[0]
    assert {answer.label for answer in learner.predict_features(taught["class 2"])} == {"class 2"}


def test_a_private_pack_keeps_the_mean_of_every_part(shop):
    from edge_tosca.features.normalization import normalize

    learner = shop()
    rows = features(1, 12)
    learner.learn_features({"class 1": rows}, force=True)
    (task,) = export_classes(learner.store, private=True).tasks
    drawn = normalize(task.features[0], WIDTHS).mean(axis=0)
    np.testing.assert_allclose(drawn, normalize(rows, WIDTHS).mean(axis=0), atol=2e-3)


def test_a_store_from_before_learns_forgets_and_answers_with_its_one_part(tmp_path, caplog):
    learner = STORES["real"].open(STORES["real"].copy(tmp_path))
    labels = set(learner.state.labels)
    assert learner.store.widths == (1280,)
    before = {task.module: learner.store.module(task.module) for task in learner.state.tasks}
    rng = np.random.default_rng(0)
    pictures = [np.clip(rng.normal(128, 60, (64, 64, 3)), 0, 255).astype(np.uint8) for _ in range(6)]
    with caplog.at_level(logging.WARNING, "edge_tosca"):
        learner.learn({"noise": pictures}, force=True)
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"edge-tosca migrate {learner.store.path}" in line
    assert "backbone" not in line
    assert learner.predict(pictures[0]).label == "noise"
    assert learner.store.features(learner.state.tasks[-1].groups[0]).shape == (6, 1280)
    learner.forget("noise")
    assert set(learner.state.labels) == labels
    assert all(learner.store.module(digest) == data for digest, data in before.items())


def test_a_store_from_before_becomes_one_with_levels_by_migration(tmp_path):
    from edge_tosca.learner.migration import migrate
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    path = STORES["real"].copy(tmp_path)
    learner = STORES["real"].open(path)
    for label in learner.state.labels:
        learner.forget(label)
    done = migrate(learner.store, FeatureExtractor())
    assert done.generation is not None
    assert learner.store.settings["feature_parts"] == "1280,112,192,320"
    learner.close()
    assert not Learner.open(path).vision.bundle.stands_for


def write(learner, path):
    from edge_tosca.packs.container import write_pack
    from edge_tosca.packs.keys import SigningKey, make_key

    secret = path.with_suffix(".key")
    public = make_key(secret)
    secret.chmod(0o600)
    write_pack(path, export_classes(learner.store), SigningKey.load(secret))
    return public


def test_an_empty_store_takes_on_the_backbone_of_a_pack_from_before(tmp_path):
    from edge_tosca.packs.importing import import_pack
    from edge_tosca.packs.reading import read_pack

    old = STORES["real"].open(STORES["real"].copy(tmp_path))
    key = write(old, tmp_path / "old.pack")
    new = Learner.create(tmp_path / "new.tosca")
    report = import_pack(new.store, read_pack(tmp_path / "old.pack"), trusted=[key])
    assert set(report.classes) == set(old.state.labels)
    new.close()
    again = Learner.open(tmp_path / "new.tosca")
    assert (again.store.widths, again.vision.bundle.widths) == ((1280,), (1280,))
    picture = np.full((64, 64, 3), 99, np.uint8)
    # Groups of a pack are ordered by time, so that sums may round otherwise.
    assert again.predict(picture).label == old.predict(picture).label


def test_a_store_from_before_takes_the_first_part_of_a_pack_with_levels(tmp_path):
    from edge_tosca.packs.importing import import_pack
    from edge_tosca.packs.reading import read_pack

    new = Learner.create(tmp_path / "new.tosca")
    rng = np.random.default_rng(0)
    pictures = [np.clip(rng.normal(128, 60, (64, 64, 3)), 0, 255).astype(np.uint8) for _ in range(6)]
    new.learn({"noise": pictures, "dark": [picture // 4 for picture in pictures]}, force=True)
    key = write(new, tmp_path / "new.pack")
    old = STORES["real"].open(STORES["real"].copy(tmp_path))
    import_pack(old.store, read_pack(tmp_path / "new.pack"), trusted=[key])
    assert old.predict(pictures[0]).label == "noise"
    group = next(group for group in old.state.groups if group.label == "noise")
    assert np.array_equal(old.store.features(group), new.store.features(new.state.groups[0])[:, :1280])


def test_a_store_with_levels_and_classes_refuses_a_pack_from_before(tmp_path):
    from edge_tosca.errors import PackError
    from edge_tosca.packs.importing import import_pack
    from edge_tosca.packs.reading import read_pack

    old = STORES["real"].open(STORES["real"].copy(tmp_path))
    key = write(old, tmp_path / "old.pack")
    new = Learner.create(tmp_path / "new.tosca")
    new.learn_features({"noise": np.ones((5, 1904), np.float32)}, force=True)
    with pytest.raises(PackError, match="import it into a store of that backbone"):
        import_pack(new.store, read_pack(tmp_path / "old.pack"), trusted=[key])


def test_a_pack_from_before_fits_a_store_from_before(tmp_path):
    learner = STORES["real"].open(STORES["real"].copy(tmp_path))
    pack = export_classes(learner.store)
    assert pack.feature_dim == 1280
    assert pack.fingerprint == learner.vision.fingerprint.digest
