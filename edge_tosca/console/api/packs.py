"""Routes for class packs: signed files that carry taught classes between boxes."""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from edge_tosca.console.api.openapi import PACK_BODY, file_answer
from edge_tosca.console.api.pack_messages import (
    ExportMessage,
    ImportedMessage,
    KeyMessage,
    PackClassMessage,
    PackMessage,
    PackTaskMessage,
    TrustMessage,
)
from edge_tosca.console.app_state.state import CHANGES_STORE, AppStateDep
from edge_tosca.console.http.bodies import pack_body
from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.requester import requester
from edge_tosca.errors import NameTakenError, PackError
from edge_tosca.labels import normalized_label
from edge_tosca.learner.input_checks import unknown_class
from edge_tosca.learner.learner import Learner
from edge_tosca.packs import (
    Pack,
    SigningKey,
    export_classes,
    import_pack,
    read_pack,
    trust,
    trusted_keys,
    warnings_of,
)
from edge_tosca.store.store import Store

router = APIRouter(tags=["packs"])

_MOST_RENAMED = 200


@router.post("/packs/inspect", openapi_extra=PACK_BODY)
async def inspect(request: Request, state: AppStateDep) -> PackMessage:
    """Return the content and the signer of a pack; nothing is imported."""
    data = await pack_body(request)

    def look(_: Learner) -> tuple[Pack, bool]:
        pack = _read(data)
        with closing(Store.open(state.options.store, state.options.key_file)) as store:
            return pack, pack.key in trusted_keys(store)

    found, trusted = await state.store_thread(look)
    return PackMessage(
        pack=found.digest,
        key=found.key,
        origin=found.origin,
        private=found.private,
        images=found.images,
        tasks=[
            PackTaskMessage(
                name=task.name,
                learned_at=task.learned_at,
                classes=[
                    PackClassMessage(label=label, images=len(rows))
                    for label, rows in zip(task.labels, task.features, strict=True)
                ],
            )
            for task in found.tasks
            if not task.of_none
        ],
        warnings=list(warnings_of(found)),
        trusted=trusted,
    )


@router.post("/packs/trust", dependencies=[CHANGES_STORE])
async def trust_key(state: AppStateDep, body: KeyMessage) -> TrustMessage:
    """Trust a key: packs that it signed may be imported from now on."""
    by = requester().provenance

    def change(learner: Learner) -> TrustMessage:
        opened = Store.open(state.options.store, state.options.key_file)
        with closing(opened) as store, store.audit_log.changes_by(by):
            new = trust(store, body.key)
        state.try_to_synchronize(learner)
        return TrustMessage(key=body.key, new=new)

    return await state.store_thread(change)


@router.post("/packs/import", openapi_extra=PACK_BODY, dependencies=[CHANGES_STORE])
async def import_(
    request: Request,
    state: AppStateDep,
    merge: Annotated[bool, Query(description="Merge classes of the same name.")] = False,
    rename: Annotated[
        list[Annotated[str, Query(max_length=8001)]],
        Query(max_length=_MOST_RENAMED, description="OLD=NEW: another name for a class; repeatable."),
    ] = [],  # noqa: B006 - a declaration that FastAPI reads
) -> ImportedMessage:
    """Import the classes of a pack, if the store trusts its signer."""
    names = dict(_renamed(pair) for pair in rename)
    data = await pack_body(request)
    if state.jobs.running:
        raise ApiError(409, "a lesson is being learned; wait until it is done")

    by = requester().provenance

    def take(learner: Learner) -> ImportedMessage:
        pack = _read(data)
        # An open store has the trusted keys of its opening: one may have been revoked since.
        with closing(Store.open(state.options.store, state.options.key_file)) as store:
            try:
                with store.audit_log.changes_by(by):
                    report = import_pack(store, pack, rename=names, merge=merge)
            except NameTakenError as error:
                raise ApiError(
                    422,
                    f"a class {error.label[:40]!r} is known already; import it under another name with the "
                    "query rename=OLD=NEW, or merge the two with merge=true",
                ) from None
        state.try_to_synchronize(learner)
        return ImportedMessage(**report.to_json())

    return await state.store_thread(take)


@router.post(
    "/packs/export", response_class=Response, responses=file_answer("application/octet-stream", "The pack.")
)
async def export(state: AppStateDep, body: ExportMessage) -> Response:
    """Export taught classes as one signed file, without pictures."""
    path = state.options.pack_key
    if path is None:
        raise ApiError(409, "this console has no key that signs packs; start it with --pack-key")
    labels = [normalized_label(label) for label in body.labels or ()]

    def pack(learner: Learner) -> bytes:
        missing = [label for label in labels if label not in learner.state.labels]
        if missing:
            raise ApiError(404, unknown_class(learner.store.path.name, learner.state.labels, missing[0]))
        exported = export_classes(learner.store, labels, private=body.private)
        return exported.to_bytes(SigningKey.load(path))

    data = await state.store_thread(pack)
    headers = {"Content-Disposition": 'attachment; filename="classes.pack"', "Cache-Control": "no-store"}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _renamed(pair: str) -> tuple[str, str]:
    old, equals, new = pair.partition("=")
    if not equals or not old or not new:
        raise ApiError(422, f"rename {pair[:40]!r} is not OLD=NEW, as in mug=cup")
    return old, new


def _read(data: bytes) -> Pack:
    with tempfile.TemporaryDirectory(prefix="edge-tosca-") as folder:
        path = Path(folder, "pack")
        path.write_bytes(data)
        try:
            return read_pack(path)
        except PackError as error:
            raise PackError(str(error).replace(str(path), "the pack")) from None
