"""The four doors, and what undo gives back."""

from __future__ import annotations

import pytest

from editor import edits
from editor.diff import diff
from editor.document import Document, EditError
from editor.history import LIMIT
from editor.session import Session


class Clock:
    def __init__(self) -> None:
        self.time_s = 0.0

    def __call__(self) -> float:
        return self.time_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock: Clock) -> Session:
    return Session(edits.compose(edits.add_agent("car", 0, 0), edits.add_agent("bus", 20, 0))(Document()), now=clock)


def test_undo_gives_back_the_same_object_and_the_selection(session: Session) -> None:
    start = session.document
    session.select(["car-1"])
    session.apply("Delete", edits.delete(["car-1"]))
    assert session.selection == () and session.can_undo == "Delete" and session.dirty
    assert session.undo() == "Delete"
    assert session.document is start and session.selection == ("car-1",) and not session.dirty and session.can_redo == "Delete"
    assert session.redo() == "Delete" and session.selection == ()


def test_nothing_changed_is_no_step(session: Session) -> None:
    assert not session.apply("Nothing", edits.move(["car-1"], 0, 0))
    assert session.can_undo is None and not session.dirty


def test_a_failed_edit_changes_nothing(session: Session) -> None:
    start = session.document
    with pytest.raises(EditError):
        session.apply("Move", edits.move(["nobody"], 1, 0))
    assert session.document is start and session.can_undo is None


def test_a_new_edit_drops_what_was_undone(session: Session) -> None:
    session.apply("A", edits.move(["car-1"], 1, 0))
    session.undo()
    session.apply("B", edits.move(["car-1"], 2, 0))
    assert session.can_redo is None


def test_history_keeps_two_hundred_steps(session: Session) -> None:
    for _ in range(LIMIT + 10):
        session.apply("Move", edits.move(["car-1"], 1, 0))
    count = 0
    while session.undo():
        count += 1
    assert count == LIMIT == 200


def test_a_drag_is_one_step_from_its_start(session: Session) -> None:
    seen = []
    session.listen(lambda before, after: seen.append(diff(before, after).changed))
    start = session.document
    with session.gesture("Drag") as gesture:
        for k in range(1, 6):
            gesture.preview(edits.move(["car-1"], k, 0))
    assert session.document == edits.move(["car-1"], 5, 0)(start)
    assert seen == [("car-1",)] * 5
    session.undo()
    assert session.document is start


def test_a_brush_extends_and_apply_joins_the_gesture(session: Session) -> None:
    start = session.document
    with session.gesture("Stroke") as gesture:
        gesture.extend(edits.paint_stroke("walkway", [(0, 0)], 1))
        gesture.extend(edits.paint_stroke("walkway", [(9, 0)], 1))
        session.apply("Move", edits.move(["car-1"], 1, 0))
    assert "paint-1" in session.document.entities
    session.undo()
    assert session.document is start and session.can_undo is None


@pytest.mark.parametrize("error", [GeneratorExit, KeyboardInterrupt, EditError])
def test_any_exception_puts_the_start_back(session: Session, error: type[BaseException]) -> None:
    session.select(["car-1"])
    start = session.document
    with pytest.raises(error), session.gesture("Drag") as gesture:
        gesture.preview(edits.delete(["car-1"]))
        assert session.selection == ()
        raise error
    assert session.document is start and session.selection == ("car-1",) and session.can_undo is None and not session.in_gesture


def test_a_closed_tool_generator_cancels_its_gesture(session: Session) -> None:
    def tool():
        with session.gesture("Drag") as gesture:
            while True:
                gesture.preview(edits.move(["car-1"], (yield), 0))

    start = session.document
    running = tool()
    next(running)
    running.send(3.0)
    assert session.document is not start
    running.close()
    assert session.document is start and session.can_undo is None


def test_gestures_do_not_nest_and_undo_waits(session: Session) -> None:
    with session.gesture("Drag"):
        with pytest.raises(EditError, match="still going on"), session.gesture("Other"):
            pass
        with pytest.raises(EditError, match="wait"):
            session.undo()


def test_typing_within_a_second_is_one_step(session: Session, clock: Clock) -> None:
    for moment, name in ((0.0, "a"), (0.9, "ab"), (1.7, "abc"), (3.0, "abcd")):
        clock.time_s = moment
        session.apply("Rename", edits.set_scene(name=name), merge_key="name")
    session.undo()
    assert session.document.name == "abc"
    session.undo()
    assert session.document.name == "untitled" and session.can_undo is None


def test_another_key_or_no_key_is_another_step(session: Session) -> None:
    session.apply("Rename", edits.set_scene(name="a"), merge_key="name")
    session.apply("Prompt", edits.set_scene(prompt="b"), merge_key="prompt")
    session.apply("Move", edits.move(["car-1"], 1, 0))
    session.apply("Move", edits.move(["car-1"], 1, 0))
    labels = []
    while label := session.undo():
        labels.append(label)
    assert labels == ["Move", "Move", "Prompt", "Rename"]


def test_undo_can_come_back_to_what_was_saved_while_typing(session: Session) -> None:
    session.apply("Rename", edits.set_scene(name="a"), merge_key="name")
    session.mark_saved()
    session.apply("Rename", edits.set_scene(name="ab"), merge_key="name")
    session.undo()
    assert session.document.name == "a" and not session.dirty


def test_a_redone_step_does_not_swallow_the_next(session: Session) -> None:
    session.apply("Rename", edits.set_scene(name="a"), merge_key="name")
    session.undo()
    session.redo()
    session.apply("Rename", edits.set_scene(name="b"), merge_key="name")
    session.undo()
    assert session.document.name == "a"


def test_selection_is_no_step_and_holds_only_what_exists(session: Session) -> None:
    session.select(["bus-1", "ghost", "ego", "bus-1"])
    assert session.selection == ("bus-1", "ego") and not session.dirty and session.can_undo is None


def test_a_removed_listener_hears_nothing(session: Session) -> None:
    heard = []
    stop = session.listen(lambda before, after: heard.append(after))
    session.apply("Move", edits.move(["car-1"], 1, 0))
    stop()
    stop()
    session.undo()
    assert len(heard) == 1


def test_diff_names_what_changed_by_identity() -> None:
    before = edits.compose(edits.add_agent("car", 0, 0), edits.add_agent("bus", 20, 0), edits.paint_stroke("walkway", [(1, 1)], 0.5))(
        Document()
    )
    after = edits.compose(
        edits.move(["car-1"], 1, 0),
        edits.delete(["bus-1"]),
        edits.add_line("lane_divider", [(0, 0), (1, 1)]),
        edits.paint_stroke("walkway", [(20, 1)], 0.5),
        edits.set_scene(prompt="rain"),
    )(before)
    found = diff(before, after)
    assert (set(found.added), set(found.changed), found.removed) == ({"line-1"}, {"car-1", "paint-1"}, ("bus-1",))
    assert found.fields == {"prompt"} and not found.reordered and found.tiles == {"paint-1": frozenset({(1, 0)})}
    assert not diff(after, after) and found
