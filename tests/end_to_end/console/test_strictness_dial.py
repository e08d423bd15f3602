"""The dial of what is called unknown, over the API."""

JPEG = {"Content-Type": "image/jpeg"}


def test_the_dial_is_turned_over_the_api_and_the_next_answer_follows(
    serve, taught, copy_store, tmp_path, photos
):
    picture = next((photos / "task1").rglob("*.jpg")).read_bytes()
    with serve(copy_store(taught, tmp_path / "shop.tosca")) as served:

        def answer():
            return served.ask("POST", "/predict", content=picture, headers=JPEG).json()

        before, dial = answer(), served.ask("GET", "/strictness").json()
        assert (dial["value"], dial["classes"], set(dial["levels"])) == (
            0.5,
            {},
            {"lenient", "balanced", "strict"},
        )
        strict = served.ask("PUT", "/strictness", json={"value": 1.0})
        assert (strict.status_code, strict.json()["now"]["strictness"]) == (200, 1)
        after = answer()
        assert (before["unknown"], after["unknown"]) == (False, True)
        assert after["top"] == before["top"]
        assert after["unknown_probability"] == before["unknown_probability"]
        own = served.ask("PUT", "/strictness", json={"value": 0.0, "label": before["label"]})
        assert own.json()["classes"] == {before["label"]: 0}
        assert not answer()["unknown"]
        for wrong, code in (({"value": 2}, 422), ({"value": 0.5, "label": "sofa"}, 404)):
            refused = served.ask("PUT", "/strictness", json=wrong)
            assert (refused.status_code, set(refused.json())) == (code, {"error"})
        reset = served.ask("PUT", "/strictness", json={"value": None})
        assert reset.json()["value"] == 0.5
