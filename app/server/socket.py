"""The WebSocket /ws/{workspace}: JSON messages, each with a `type`. World frame, metres, radians, seconds, frames at 12 Hz.

A page names itself (`page`) and numbers what must not be lost (`seq`); it keeps it until the ack and sends it again after a broken link:
asked twice, it is done once (app.workspace.heard). What changes a scene names its `session` too, and waits until that one is open again.

From the page
    hello {}                                     -> document, then live jobs, take, strip
    command {seq, name, args}                    -> ack to the sender, then patch to everybody (editor.commands)
    select {ids}                                 not undoable; patch to everybody
    frame {frame}                                the playhead; newest wins -> strip, bev
    generate {frames?, start_frame?, seed?, steps?, guidance?, preset?, views?, until?, cameras?, from_frame?, seen_anew?,
              only_cameras?, only_frames?, anchors?} -> job messages;
                                                 with from_frame the new take keeps the frames before it of the take shown, and spans what
                                                 that one spans; with seen_anew all of them, and only buffers and pictures are made,
                                                 of only_cameras [names] and only_frames [first, last] where those are given;
                                                 anchors {camera: name} are pictures that POST /api/anchors took
    regenerate {region [[x, y], ..]}             draw what lies inside anew at the playhead's frame, each time with another seed -> variant, strip
    variant {index}                              show that one, from 1; 0 is what was before -> variant, strip
    keep {carry_on?}                             a new take with the variant shown; carry_on: and the frames behind it made anew -> job messages
    discard {}                                   put the region and its variants away -> variant, strip
    cancel {job}
    live {on, preset?, seed?}                    whether edits are answered with drafts of the frame shown -> live, then strip, bev
    view3d {follow?, frusta?, clip_m?, home?}    what the 3D view shows beside the scene: whether the eye goes with the ego, every camera, voxels
                                                 below a height; home: the eye back to where it began
    strip_width {px}                             how many pixels of its screen the page has for a camera's picture of 16:9: none is drawn larger
                                                 than the largest page wants; a page that says nothing gets them at their full size
    show_take {path}                             a take of the workspace folder -> take, strip
    carry_on {path}                              what a take lacks that was broken off, in a take beside it -> job messages
    save {path?} | open {path} | new {template?}
    restore {which} | discard_draft {which}      a draft of unsaved work: go on with it, its undo history too; or delete it -> files
    decline {}                                   go on without what `recovery` offered -> document
    import {format, source, start_s?, duration_s?, map?, scene?}   also 'anyscene': a copy of a project from anywhere
    export {take, formats, verify?}              -> exported
    list_files {}                                -> files

To the page
    document {rev, name, duration_s, frames, prompt, grid {name, shape, voxel_m, origin_m}, ground, notes, entities, ego, selection,
              dirty, saved_path, can_undo, can_redo, channels, classes, sizes, models, coloured, presets [{name, views}], preset,
              edits, undo_steps, undo_limit, undo_at_depth, view_models [{name, description, takes_anchors}], rigs, commands, exports, problems,
              viser_url, workspace, frame, session, untouched, heard {page: seq}}   heard: what each page asked for last that is in it;
                                                 untouched: hash of a scene in which nothing was done, else empty
    patch {rev, set, removed, order?, ego?, fields {name, duration_s, frames, prompt}?, selection, dirty, saved_path, can_undo, can_redo,
           edits, undo_steps, undo_limit, undo_at_depth}   edits counts the documents there were: strip and bev say which one they show
    recovery {drafts [{path, name, modified, crashed, lost, picture, takes}]}   unsaved work of an earlier run, before anything was done in this one
    tabs {count}                                 how many browsers show this scene
    ack {seq, ok, rev, error}                    of a command, and of whatever had a page and a seq; error is one sentence or null
    job {id, kind, workspace, state, stage, item, frames_done, frames_total, frames_kept, seconds, eta_s, starts_in_s, position, message, notes,
         scene, name, take, recipe}
                                                 kind take | evaluate | export; state queued | loading | running | done | failed | cancelled.
                                                 frames_done of frames_total count the pieces of the stage ('buffers', 'video': one per camera
                                                 and frame); frames_kept are occupancy frames on disk; eta_s is what the job needs yet, starts_in_s
                                                 what those before it need, null where nothing is known; item: which of several asked for
                                                 together; notes are sentences about a take that is made all the same
    pace {frame_s, picture_s}                    seconds a frame by occupancy model ('NAME' or 'NAME/STEPS'), seconds a picture by view model, as
                                                 measured on this machine
    take {id, name, path, frames, start_frame, stage, stale, broken_off, seed, occupancy, views, behind}   the newest; id null: none is shown.
                                                 behind: longer ones, for the frames and pictures that it lacks; broken_off: frames that it
                                                 was to have, 0 where it is whole or in the making
    live {on}                                    for the whole workspace; a draft that cannot be drawn switches it off
    variant {frame, region, count, index, seed, whole, drawing, can_keep, shown}   frame null: there is none; whole: drawn with the steps of a
                                                 take's frame; drawing: one more is on its way; shown: the playhead is there
    strip {frame, source, edits, stale, pending, whole, recipe, take {name, occupancy, views, seed}|null,
           cameras [{name, id, semantic, depth, picture|null, picture_stale, recorded|null, views, take}]}
                                                 recorded: what the log's own camera took then;
                                                 source take | draft | lift; edits: of which document; stale: the voxels lack an edit, and
                                                 pending: that is being drawn; picture_stale: the picture lacks an edit; whole: a draft of full
                                                 quality; recipe {occupancy, seed, steps|null} of a draft, else null; the rest are addresses
    bev {frame, source, edits, stale, pending, url, origin_m, size_m, ego [x, y, yaw]}   PNG from above in the ego's frame: x forward up, y left
    problems {problems [{sentence, ids, time_s|null}]}   what looks wrong; nothing of it blocks anything
    exported {take, folder, rows [{format, url, files, dropped, error|null}], writing|null, verified|null}   writing: what is in hand
    files {projects, templates, takes, recovery, logs, formats}   each {path, name, modified}; templates also {title, about, picture};
                                                 recovery as above, its `path` is `which`
    scenes {asked, options [[name, description], ..]}   the source of an import holds several: the message `asked` again, with one as its `scene`
    notice {level info|warn|error, text}         one sentence
    saved {path, at} | autosaved {at}            at: seconds since 1970
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.server import file_actions, variant_actions
from app.workspace import text
from app.workspace.heard import Asked
from app.workspace.workspace import Send, Workspace
from app.workspace.workspaces import Workspaces
from editor.document import EditError

log = logging.getLogger("anyscene.socket")

MOST_WAITING = 2000
"""Messages a browser may lag behind before it is cut off; it reconnects and gets the document afresh."""

Message = Mapping[str, Any]


async def serve(socket: WebSocket, workspaces: Workspaces) -> None:
    """One browser from its arrival to its leaving."""
    try:
        workspace = await asyncio.to_thread(workspaces.get, socket.path_params["workspace"])
    except EditError as refusal:
        log.info("refused: %s", refusal)
        await socket.close(1008, str(refusal)[:120])
        return
    await socket.accept()
    loop = asyncio.get_running_loop()
    outbox: asyncio.Queue[Message | None] = asyncio.Queue()

    def send(message: Message) -> None:
        # The loop is gone while the studio closes; nobody is left to tell.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(outbox.put_nowait, message)

    deliverer = asyncio.create_task(_deliver(socket, outbox, workspace))
    errands: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                message = json.loads(await socket.receive_text())
            except (ValueError, KeyError):
                send(_notice("error", "The page sent something that is not JSON: reload the page."))
                continue
            work = asyncio.to_thread(_handle, workspace, message, send)
            if isinstance(message, dict) and message.get("type") in ("import", "export"):
                # They take their time; edits and cancels go on meanwhile.
                task = asyncio.create_task(_errand(work, workspaces if message["type"] == "import" else None))
                errands.add(task)
                task.add_done_callback(errands.discard)
            else:
                await work
    except (WebSocketDisconnect, RuntimeError):
        # RuntimeError: the deliverer found it closed before we read that it is.
        pass
    finally:
        workspace.leave(send)
        deliverer.cancel()


async def _errand(work: Coroutine[Any, Any, None], imported_in: Workspaces | None) -> None:
    await work
    if imported_in is not None:
        try:
            await asyncio.to_thread(imported_in.tidy)
        except OSError:
            log.exception("tidying dropped files failed")


async def _deliver(socket: WebSocket, outbox: asyncio.Queue[Message | None], workspace: Workspace) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while (message := await outbox.get()) is not None:
            if outbox.qsize() > MOST_WAITING:
                workspace.log.warning("a browser is %d messages behind and is cut off", outbox.qsize())
                if socket.application_state == WebSocketState.CONNECTED:
                    await socket.close(1013)
                return
            try:
                line = json.dumps(message, allow_nan=False)
            except ValueError:
                workspace.log.exception("a '%s' message cannot be written as JSON", message.get("type"))
                line = json.dumps(_notice("error", "The studio made an answer that no page can read: undo the last edit and report it."))
            await socket.send_text(line)


def _handle(workspace: Workspace, message: object, send: Send) -> None:
    """One message, on a thread of its own. Whatever goes wrong becomes one sentence to the sender."""
    kind = message.get("type") if isinstance(message, dict) else None
    handler = HANDLERS.get(kind) if isinstance(kind, str) else None
    if handler is None or not isinstance(message, dict):
        send(_notice("warn", text.UNKNOWN_MESSAGE.format(kind=str(kind)[:40])))
        return
    asked = Asked.of(message) if kind != "command" else None
    known = None if asked is None else workspace.begin(asked)
    if asked is not None and known is not None:
        send(_ack(workspace, asked.number, known.error))
        return
    try:
        handler(workspace, message, send)
    except ValueError as refusal:
        workspace.log.info("%s: %s", kind, refusal)
        send(_notice("error", " ".join(str(refusal).split())[:600]))
    except OSError as fault:
        workspace.log.warning("%s: %s", kind, fault)
        send(_notice("error", f"{fault.strerror or 'The file could not be used'}: {fault.filename or 'no file named'}."))
    except Exception as fault:
        workspace.log.exception("%s failed", kind)
        send(_notice("error", text.our_fault(fault)))
    finally:
        if asked is not None and known is None:
            workspace.ended(asked)
            send(_ack(workspace, asked.number, None))


def _ack(workspace: Workspace, number: object, error: str | None) -> Message:
    return {"type": "ack", "seq": number, "ok": error is None, "rev": workspace.rev, "error": error}


def _notice(level: str, sentence: str) -> Message:
    return {"type": "notice", "level": level, "text": sentence}


def _hello(workspace: Workspace, message: Message, send: Send) -> None:
    workspace.join(send)
    file_actions.offer_recovery(workspace, send)


def _command(workspace: Workspace, message: Message, send: Send) -> None:
    seq, name, args = message.get("seq"), message.get("name"), message.get("args", {})

    def reply(error: str | None) -> None:
        send(_ack(workspace, seq, error))

    if not isinstance(name, str) or not isinstance(args, dict):
        reply("A command needs a name and its arguments as an object: reload the page.")
        return
    workspace.command(name, args, reply, Asked.of(message))


def _select(workspace: Workspace, message: Message, send: Send) -> None:
    ids = message.get("ids")
    if not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
        raise EditError("A selection is a list of ids: reload the page.")
    workspace.select(ids)


def _frame(workspace: Workspace, message: Message, send: Send) -> None:
    frame = message.get("frame")
    if isinstance(frame, bool) or not isinstance(frame, int | float) or frame != frame or abs(frame) > 1e9:
        raise EditError(f"The playhead needs a frame number, not {frame!r}.")
    workspace.move_playhead(int(frame))


def _generate(workspace: Workspace, message: Message, send: Send) -> None:
    workspace.generate(message)


def _cancel(workspace: Workspace, message: Message, send: Send) -> None:
    if not workspace.jobs.cancel(str(message.get("job")), workspace.name):
        raise EditError(f"Job '{message.get('job')}' is not running here any more: there is nothing to cancel.")


def _live(workspace: Workspace, message: Message, send: Send) -> None:
    on, preset, seed = message.get("on"), message.get("preset") or workspace.config.preset, message.get("seed", 0)
    if not isinstance(on, bool) or not isinstance(preset, str) or isinstance(seed, bool) or not isinstance(seed, int):
        raise EditError("Live drafts need 'on' as true or false, a preset's name and a whole number as seed: reload the page.")
    workspace.set_live(on, preset, seed)


def _view3d(workspace: Workspace, message: Message, send: Send) -> None:
    clip = message.get("clip_m")
    if clip is not None and (isinstance(clip, bool) or not isinstance(clip, int | float) or not -10 < clip < 100):
        raise EditError(f"The 3D view is cut at a height in metres, from -10 to 100, not at {clip!r}.")
    follow, frusta = message.get("follow") is not False, message.get("frusta") is True
    workspace.screen.set_view(follow, frusta, None if clip is None else float(clip), home=message.get("home") is True)


def _strip_width(workspace: Workspace, message: Message, send: Send) -> None:
    px = message.get("px")
    if isinstance(px, bool) or not isinstance(px, int) or px < 1:
        raise EditError(f"The strip's pictures have a width in whole pixels, from 1, not {px!r}.")
    workspace.screen.seen_by(send, px)


HANDLERS: dict[str, Callable[[Workspace, Message, Send], None]] = {
    "hello": _hello,
    "command": _command,
    "select": _select,
    "frame": _frame,
    "generate": _generate,
    "cancel": _cancel,
    "live": _live,
    "view3d": _view3d,
    "strip_width": _strip_width,
    **file_actions.HANDLERS,
    **variant_actions.HANDLERS,
}
