"""The verb pack: copy learned classes between devices in one signed file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, counted, note, say, say_json
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import PackError

pack_verbs = Verbs()
_verbs = Verbs(name="pack", help="Copy learned classes from device to device.", no_args_is_help=True)
pack_verbs.add_typer(_verbs)

PackPath = Annotated[Path, typer.Argument(metavar="FILE", help="The pack.", show_default=False)]


@_verbs.command()
def keygen(
    path: Annotated[Path, typer.Argument(metavar="KEY", help="Where the private key goes.")],
    as_json: AsJson = False,
) -> None:
    """Create a key pair: KEY, which signs packs and stays secret, and KEY.pub, which others trust."""
    from edge_tosca.packs import make_key

    public = make_key(path)
    if as_json:
        say_json({"private": str(path), "public": f"{path}.pub", "key": public})
    else:
        say(f"{path} signs packs; keep it secret. Whatever is to trust them needs {path}.pub ({public}).")


@_verbs.command()
def export(
    store: StorePath,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the pack goes.")],
    key: Annotated[Path, typer.Option(metavar="KEY", help="The private key that signs it.")],
    labels: Annotated[
        list[str] | None, typer.Argument(metavar="[CLASS]...", help="All classes by default.")
    ] = None,
    private: Annotated[
        bool,
        typer.Option(
            "--private", help="Disclose only each class's mean feature, not the features of pictures."
        ),
    ] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Write learned classes to one signed file. No picture is in it."""
    from edge_tosca.packs import SigningKey, export_classes, write_pack
    from edge_tosca.store.store import Store

    signer = SigningKey.load(key)
    gathered = export_classes(Store.open(store, key_file), labels or (), private=private)
    size = write_pack(out, gathered, signer)
    if as_json:
        about = {"classes": gathered.labels, "images": gathered.images, "private": private}
        say_json({"pack": str(out), "bytes": size, "key": signer.public, **about})
        return
    what = counted(gathered.images, "synthetic feature" if private else "feature")
    modules = counted(len(gathered.tasks), "module")
    say(f"{out}: {', '.join(gathered.labels)} ({modules}, {what}, {size / 1000:.0f} kB)")


@_verbs.command("import")
def import_(
    store: StorePath,
    file: PackPath,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Another name for a class; repeatable.")
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Merge classes of the same name: one class in several domains.")
    ] = False,
    trust: Annotated[
        list[Path] | None,
        typer.Option(metavar="PUBLIC_KEY", help="Trust this key for this import only; repeatable."),
    ] = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Add the classes of a pack, as if they had been learned here."""
    from edge_tosca.packs import import_pack, load_public_key, read_pack
    from edge_tosca.store.store import Store

    names = _pairs(rename or ())
    trusted = [load_public_key(path) for path in trust or ()]
    opened = Store.open(store, key_file)
    report = import_pack(opened, read_pack(file), rename=names, merge=merge, trusted=trusted)
    for warning in report.warnings:
        note(f"edge-tosca: warning: {file}: {warning}")
    if as_json:
        say_json(report.to_json())
        return
    classes = ", ".join(report.classes)
    if report.generation is None:
        say(f"{store} already has all classes of {file} ({classes}); nothing was changed.")
        return
    say(f"{store} learned {classes} from {file} (generation {report.generation}).")
    shares = (("imported classes", report.accuracy_new), ("old classes now", report.accuracy_old_after))
    measured = ", ".join(f"{name} {share:.0%}" for name, share in shares if share is not None)
    found = f"accuracy on held-out pictures: {measured or 'too few pictures'}"
    if len(opened.state().labels) == 1:
        found = f"accuracy not measured: {classes} is the only class; teach a second one"
    seconds = report.seconds
    say(f"  {seconds['total']:.2f} s: storing {seconds['file']:.2f}, router {seconds['solve']:.2f}")
    say(f"  {found}")


@_verbs.command()
def inspect(file: PackPath, as_json: AsJson = False) -> None:
    """Show the contents and the signer of a pack, and check every byte; nothing is imported."""
    from edge_tosca.packs import read_pack, warnings_of

    found = read_pack(file)
    warnings = warnings_of(found)
    for warning in warnings:
        note(f"edge-tosca: warning: {file}: {warning}")
    tasks: list[dict[str, Any]] = [
        {
            "name": task.name,
            "learned_at": task.learned_at,
            "classes": [
                {"label": label, "images": len(rows)}
                for label, rows in zip(task.labels, task.features, strict=True)
            ],
            "module_bytes": len(task.module),
        }
        for task in found.tasks
    ]
    if as_json:
        about = {"origin": found.origin, "fingerprint": found.fingerprint, "router": found.router}
        signed = {"pack": found.digest, "key": found.key}
        content = {"private": found.private, "images": found.images, "tasks": tasks, "warnings": warnings}
        say_json({**signed, **about, **content})
        return
    classes = counted(len(found.labels), "class", "classes")
    say(f"{file}: {classes} of {found.origin}; the signature is valid")
    say(f"  signed with {found.key}")
    say(f"  {counted(found.images, 'synthetic feature' if found.private else 'cached feature')}")
    for task in tasks:
        say(f"  {task['name']}, learned {task['learned_at'][:10]}:")
        for entry in task["classes"]:
            say(f"    {entry['label']} ({entry['images']})")


@_verbs.command()
def trust(
    store: StorePath,
    key: Annotated[Path | None, typer.Argument(metavar="[PUBLIC_KEY]", help="A .pub file.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Revoke the trust.")] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Trust the packs of a key, or list the trusted keys."""
    from edge_tosca.packs import distrust, load_public_key, trusted_keys
    from edge_tosca.packs import trust as accept
    from edge_tosca.store.store import Store

    opened = Store.open(store, key_file)
    if key is None:
        if remove:
            raise PackError("name the public key to remove with --remove")
    elif remove:
        distrust(opened, load_public_key(key))
    else:
        accept(opened, load_public_key(key))
    trusted = trusted_keys(opened)
    if as_json:
        say_json({"trusted": [{"key": key, "since": since} for key, since in trusted.items()]})
        return
    for name, since in trusted.items():
        say(f"{name}  since {since[:10]}")
    if not trusted:
        say(f"{store} trusts no key and imports no pack.")


def _pairs(rename: Sequence[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for pair in rename:
        old, equals, new = pair.partition("=")
        if not equals or not old or not new:
            raise PackError(f"--rename {pair!r} is not OLD=NEW, as in --rename mug=cup")
        names[old] = new
    return names
