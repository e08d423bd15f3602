import json

from tests.benchmarks.sparsity import FACTORS, measure


def test_a_stronger_penalty_makes_smaller_modules(tools, silent):
    points = measure([tools], [1, 3], [12], 1, silent)
    # A task of one class has nothing to learn from.
    assert [(point.task_size, point.factor) for point in points] == [(3, factor) for factor in FACTORS]
    sizes = [point.bytes for point in points]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2 * sizes[-1]
    assert len({point.router_inside for point in points}) == 1


def test_sparsity_writes_table_json_and_plot(tmp_path, draw_pictures, run_benchmark):
    shapes = draw_pictures(tmp_path / "shapes", ["apple", "brick", "door", "leaf"], count=8)
    done = run_benchmark("sparsity", shapes, "--task-size", "2", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["sparsity"]) == len(FACTORS)
    found = {path.name for path in (tmp_path / "out").iterdir()}
    assert found == {"sparsity.md", "sparsity.json", "sparsity.png"}
