"""The severity of classes and of what is unknown, over the API."""


def test_a_class_gets_a_severity_which_the_command_line_shows_too(serve, taught, copy_store, tmp_path, edge):
    store = copy_store(taught, tmp_path / "shop.tosca")
    with serve(store) as served:
        assert served.ask("GET", "/severity").json() == {"unknown": "info", "classes": {}}
        changed = served.ask("PUT", "/severity", json={"severity": "alarm", "label": "apple"})
        assert changed.json() == {"unknown": "info", "classes": {"apple": "alarm"}}
        changed = served.ask("PUT", "/severity", json={"severity": "warning"})
        assert changed.json() == {"unknown": "warning", "classes": {"apple": "alarm"}}
        for wrong, code in (({"severity": "loud"}, 422), ({"severity": "info", "label": "sofa"}, 404)):
            refused = served.ask("PUT", "/severity", json=wrong)
            assert (refused.status_code, set(refused.json())) == (code, {"error"})
        assert edge("store", "severity", store, "--json").json["classes"] == {"apple": "alarm"}
        changed = served.ask("PUT", "/severity", json={"severity": "info", "label": "apple"})
        assert changed.json()["classes"] == {}
