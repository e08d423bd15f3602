"""The console opens no way out of the box, and writes nothing but its store and what it forgot."""


def test_the_console_tries_to_reach_nothing_in_a_day(serve, photos, asked, teach, guard, edge, tmp_path):
    env, attempts, _ = guard
    store = tmp_path / "shop.tosca"
    assert edge("init", store, env=env).code == 0
    picture = (asked / "apple" / "100.jpg").read_bytes()
    with serve(store, env=env) as served:
        lessons = {label: sorted((photos / "task1" / label).iterdir()) for label in ("apple", "brick")}
        assert teach(served, lessons)["state"] == "done"
        told = served.ask("POST", "/predict", content=picture, headers={"Content-Type": "image/jpeg"})
        assert told.json()["label"] == "apple"
        for path in ("/classes", "/history", "/store", "/doctor", "/live", "/inbox", "/health"):
            assert served.ask("GET", path).status_code == 200
        assert served.ask("POST", "/classes/forget", json={"label": "apple"}).status_code == 200
        assert served.end() == 0
    assert not attempts.exists(), attempts.read_text()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"shop.tosca", "shop.tosca.forgotten", "inject", "home"}
