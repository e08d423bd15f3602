"""Names that outside programs use: Python's, the command line's, loggers' and places of files."""

import inspect
import json
import subprocess
import sys
from dataclasses import fields
from importlib.resources import files

import pytest

import edge_tosca
import edge_tosca.packs
from edge_tosca import Learner

EVERYTHING = (
    "Answer",
    "EdgeToscaError",
    "Evaluation",
    "Guess",
    "LearnReport",
    "Learner",
    "Skipped",
    "ToscaClassifier",
)

FIELDS = {
    "Answer": "label confidence unknown task top familiarity milliseconds set note",
    "Guess": "label confidence",
    "Skipped": "path reason",
    "LearnReport": "generation task classes images skipped seconds module gate thinned notes dry_run",
    "Evaluation": "images named_right named_wrong unknown counts interval by_class accuracy per_class "
    "unknown_rate strangers strangers_unknown_rate router confusion named untaught_named reliability "
    "calibration_error wrong skipped seconds notes",
}

METHODS = {
    "create": "path bundle=None * router='fused' refused=0.05 max_bytes=None runtime='onnxruntime' "
    "device='CPU' threads=None key_file=None group_access=False",
    "open": "path bundle=None * runtime=None device=None threads=None hint='LATENCY' key_file=None",
    "close": "",
    "learn": "source task=None * force=False remember=False passed_over=None follow_links=False "
    "on_progress=None region=None dry_run=False on_stage=None",
    "learn_features": "features task=None * names=None skipped=() force=False feature_seconds=0.0 "
    "dry_run=False",
    "learn_none": "source * remember=False on_progress=None region=None dry_run=False",
    "forget": "label",
    "forget_none": "",
    "rename": "label new * merge=False",
    "rollback": "generation=None",
    "history": "",
    "predict": "source top=3 coverage=None region=None",
    "predict_many": "sources top=3 on_progress=None coverage=None region=None",
    "explain": "source label=None top=3 coverage=None region=None",
    "predict_burst": "sources top=3 on_skipped=None region=None",
    "evaluate": "folder on_progress=None * unknown=None follow_links=False region=None",
}

ESTIMATOR = {
    "__init__": "refused=0.05 router='fused' unknown_label=None",
    "fit": "X y",
    "partial_fit": "X y classes=None",
    "predict": "X",
    "predict_proba": "X",
    "predict_unknown": "X",
    "score": "X y",
    "get_params": "deep=True",
    "set_params": "params",
}

PACKS = (
    "ImportReport Pack PackedTask SigningKey distrust export_classes import_pack load_public_key make_key "
    "read_pack trust trusted_keys warnings_of write_pack"
)

WHERE = "--runtime= --device= --threads="
VERBS = {
    # -h comes first and ends the program, before --install-completion could write a file.
    "": "-h --version --install-completion --show-completion",
    "init": "--backbone= --router= --refused= --max-bytes= --runtime= --device= --if-missing --json "
    "--group-access --key-file=",
    "export-dataset": "--format= --json --key-file=",
    "export-model": "--json --key-file=",
    "learn": "--list= --task= --class= --none= --region=0,0,1,1 --force --remember --follow-links --dry-run "
    f"--verbose {WHERE} --json --key-file=",
    "forget": "--none --backups --yes --json --key-file=",
    "rename": "--merge --json --key-file=",
    "rollback": "--json --key-file=",
    "migrate": f"--pictures= --without-missing --backbone= {WHERE} --json --key-file=",
    "predict": f"--top= --region=0,0,1,1 --burst --coverage= --explain= --follow-links {WHERE} "
    "--every= --csv --json --key-file=",
    "evaluate": f"--region=0,0,1,1 --unknown= --report= --follow-links {WHERE} --json --key-file=",
    "classes": "--verbose --json --key-file=",
    "history": "--json --key-file=",
    "watch": "--camera= --camera-file= --on-change= --mqtt= --mqtt-file= --frames= --answers= --seconds= "
    "--webhook= --webhook-file= --webhook-secret-file= --webhook-picture= --trigger= --look-gpio= --wait= "
    f"--strict-erasure --on-change-seconds= --log= {WHERE} --key-file=",
    "cameras": "--json",
    "regions add": "--camera= --class= --trigger= --json --key-file=",
    "regions list": "--camera= --json --key-file=",
    "regions remove": "--camera= --json --key-file=",
    "tally": "--days= --keep= --off --csv --json --key-file=",
    "store severity": "--unknown --json --key-file=",
    "verify": "--known= --json --key-file=",
    "store check": "--json --key-file=",
    "store compact": "--json --key-file=",
    "store stats": "--json --key-file=",
    "store limit": "--json --key-file=",
    "store prune": "--older-than= --json --key-file=",
    "store solve": "--json --key-file=",
    "store backup": "--pictures --force --json --key-file=",
    "store restore": "--force --json --key-file=",
    "store encrypt": "--key-file=",
    "store decrypt": "--key-file=",
    "store rekey": "--new-key-file= --fresh --key-file=",
    "export": "--out= --list --weights= --calibration= --held-out= --precision= --recipe= --force --feature= "
    "--size= --mean= --std= --interpolation= --crop= --json",
    "embed": f"--out= --region=0,0,1,1 --follow-links --backbone= {WHERE} --json",
    "doctor": f"--backbone= {WHERE} --json --key-file=",
    "demo": "--out= --json",
    "pack keygen": "--json",
    "pack export": "--out= --key= --private --none --json --key-file=",
    "pack import": "--rename= --merge --trust= --json --key-file=",
    "pack inspect": "--json",
    "pack trust": "--remove --json --key-file=",
    "fleet create": "--broker= --name= --objects= --names=merge --json",
    "fleet invite": "--out= --group= --role= --ring= --days= --json",
    "fleet revoke": "--lessons --json",
    "fleet command": "--days= --json",
    "fleet join": "--broker= --share= --json --key-file=",
    "fleet leave": "--json --key-file=",
    "fleet publish": "--group= --wait= --json --key-file=",
    "fleet follow": "--once --wait= --strict-erasure --json --key-file=",
    "fleet status": "--wait= --json --key-file=",
    "serve": "--camera= --camera-file= --listen= --token-file= --make-token= --role=view --name= "
    "--on-change= --on-change-seconds= --mqtt= --mqtt-file= --webhook= --webhook-file= "
    "--webhook-secret-file= --webhook-picture= --trigger= --look-gpio= "
    "--root-path= --trusted-proxy= --tls-cert= --tls-key= --tls= --join=teach --host= --pack-key= "
    f"--frames= --wait= --strict-erasure --log= {WHERE} --key-file=",
    "bench accuracy": "--task-size= --shots= --seeds= --method= --out= --resume --backbone= --json",
    "bench live": "--seconds= --out= --json",
    "bench speed": "--classes= --modules= --quick --fp32= --photographs= --out= --backbone= --json",
    "service files": "--out= --json",
}

# The parser complains of an option that it does not know before --help is heeded.
ASK_EVERY_VERB = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from edge_tosca.__main__ import main

wrong = {}
for verb, options in json.load(sys.stdin).items():
    said = io.StringIO()
    sys.argv = ["edge-tosca", *verb.split(), *options, "--help"]
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(said):
            main()
    except SystemExit as end:
        if end.code:
            wrong[verb] = said.getvalue()
print(json.dumps(wrong))
"""

IMPORT_ALL = """
import json, logging
import edge_tosca.cli, edge_tosca.console.app, edge_tosca.runtime, edge_tosca.watch
made = logging.root.manager.loggerDict.items()
print(json.dumps([name for name, one in made if isinstance(one, logging.Logger)]))
"""


def in_a_process_of_its_own(code, given=None):
    ran = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(given), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def spelt(parameter):
    default = parameter.default
    return parameter.name if default is parameter.empty else f"{parameter.name}={default!r}"


def test_the_names_of_the_package():
    assert set(EVERYTHING) <= set(edge_tosca.__all__)
    for name in EVERYTHING:
        assert inspect.isclass(getattr(edge_tosca, name))
    assert set(PACKS.split()) <= set(edge_tosca.packs.__all__)
    for name in PACKS.split():
        assert callable(getattr(edge_tosca.packs, name))


@pytest.mark.parametrize("name", FIELDS)
def test_results_have_all_their_fields(name):
    found = [field.name for field in fields(getattr(edge_tosca, name))]
    assert set(FIELDS[name].split()) <= set(found)


@pytest.mark.parametrize("name", METHODS)
def test_the_learners_methods_take_what_they_took(name):
    places, _, keywords = METHODS[name].partition("*")
    found = list(inspect.signature(getattr(Learner, name)).parameters.values())
    found = [one for one in found if one.name != "self"]
    in_place = [spelt(one) for one in found if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert in_place[: len(places.split())] == places.split()
    assert set(keywords.split()) <= {spelt(one) for one in found}
    # Whatever came since may be left out.
    known = {one.partition("=")[0] for one in (places + keywords).split()}
    assert all(one.default is not one.empty for one in found if one.name not in known)


@pytest.mark.parametrize("name", ESTIMATOR)
def test_the_estimators_methods_take_what_they_took(name):
    found = list(inspect.signature(getattr(edge_tosca.ToscaClassifier, name)).parameters.values())
    assert " ".join(spelt(one) for one in found if one.name != "self") == ESTIMATOR[name]


def test_a_learner_and_an_answer_have_their_small_names():
    assert dir(edge_tosca) == sorted([*edge_tosca.__all__, "__version__"])
    for name in ("__enter__", "__exit__", "__len__", "__contains__", "__bool__", "classes"):
        assert hasattr(Learner, name)
    assert callable(edge_tosca.Answer.to_dict)


def test_every_verb_takes_every_option():
    words = {
        verb: [part for one in options.split() for part in ([one[:-1], "1"] if one[-1] == "=" else [one])]
        for verb, options in VERBS.items()
    }
    assert in_a_process_of_its_own(ASK_EVERY_VERB, words) == {}


def test_every_verb_takes_the_short_word_for_help():
    assert in_a_process_of_its_own(ASK_EVERY_VERB, {verb: ["-h"] for verb in VERBS}) == {}


def test_an_option_that_no_verb_has_is_noticed():
    assert "--colour" in in_a_process_of_its_own(ASK_EVERY_VERB, {"predict": ["--colour"]})["predict"]


def test_loggers_have_the_names_that_the_manual_gives():
    assert {"edge_tosca", "edge_tosca.console", "edge_tosca.watch"} <= set(
        in_a_process_of_its_own(IMPORT_ALL)
    )


@pytest.mark.parametrize(
    ("package", "path"),
    [
        ("edge_tosca", "py.typed"),
        ("edge_tosca.console", "static/index.html"),
        ("edge_tosca.devices", "boxes/x86-vnni.toml"),
        ("edge_tosca.devices", "service/install.sh"),
        ("edge_tosca.runtime", "bundles/efficientnet_lite0/backbone.onnx"),
        ("edge_tosca.runtime", "bundles/efficientnet_lite0_288/references.safetensors"),
    ],
)
def test_data_lies_in_the_package_that_it_is_looked_for_in(package, path):
    assert files(package).joinpath(path).is_file()


def test_what_outside_scripts_import_stays_where_it_is(tmp_path):
    from edge_tosca.devices.camera.folder import WatchedFolder
    from edge_tosca.devices.camera.mjpeg import JpegFrames
    from edge_tosca.runtime import load_picture

    assert list(inspect.signature(JpegFrames).parameters) == ["path", "fps", "loop"]
    assert list(inspect.signature(WatchedFolder).parameters) == ["path"]
    assert list(inspect.signature(WatchedFolder.read).parameters) == ["self"]
    assert next(iter(inspect.signature(load_picture).parameters)) == "source"
