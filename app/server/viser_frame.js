// Put into viser's page before its own scripts, so that a step of the studio is drawn once, when all of it is there, and not again while it rests.
// Without a GPU a drawing takes most of the time of a step. viser draws a step twice, because it applies what arrives inside a drawing: new places first,
// new voxels once they are read. Then it draws the same picture again and again for a quarter of a second.
(() => {
  // Inside a frame without focus viser would not reconnect; a page that says it is hidden applies what arrives as it arrives.
  document.hasFocus = () => true;
  Object.defineProperty(document, "hidden", { get: () => true });

  // Turns of the event loop from the arrival of voxels to their being in the scene: read, then committed.
  const TURNS = 4;
  // Longer than viser goes on drawing after a change: one drawing at the end of it is left, for what comes late. From then on it draws once a second,
  // whatever happens: while nothing does, every rest is twice as long as the one before.
  const REST_MS = 260, LONGEST_MS = 8000;
  // So long after the last touch of the view every drawing is wanted: the eye glides on.
  const TOUCHED_MS = 1000;

  const animate = window.requestAnimationFrame.bind(window);
  const waiting = new Map();
  let last = 0, armed = false, held = 0, timer = 0, rest = REST_MS, restUntil = 0, touched = -TOUCHED_MS;

  const arm = () => {
    if (armed || held || !waiting.size) return;
    const left = restUntil - performance.now();
    if (left > 0) {
      timer ||= setTimeout(() => { timer = 0; arm(); }, left);
      return;
    }
    armed = true;
    animate(draw);
  };
  const draw = (stamp) => {
    armed = false;
    if (held) return;
    const due = [...waiting.values()];
    waiting.clear();
    if (performance.now() - touched > TOUCHED_MS) {
      restUntil = performance.now() + rest;
      rest = Math.min(2 * rest, LONGEST_MS);
    }
    for (const callback of due) {
      try { callback(stamp); } catch (error) { reportError(error); }
    }
  };
  const wake = () => {
    clearTimeout(timer);
    timer = restUntil = 0;
    rest = REST_MS;
    arm();
  };
  window.requestAnimationFrame = (callback) => {
    waiting.set(++last, callback);
    arm();
    return last;
  };
  window.cancelAnimationFrame = (id) => void waiting.delete(id);

  for (const kind of ["pointerdown", "pointermove", "pointerup", "wheel", "keydown", "keyup", "resize", "focus"]) {
    window.addEventListener(kind, () => { touched = performance.now(); wake(); }, { capture: true, passive: true });
  }

  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => {
    if (data > 1) port2.postMessage(data - 1);
    else if (!--held) wake();
  };
  const arrived = (messages) => {
    const voxels = new Set(messages.filter((one) => one.type === "GlbMessage").map((one) => one.name));
    const ahead = new Set(messages.filter((one) => one.type === "SetSceneNodeVisibilityMessage" && !one.visible && voxels.has(one.name)).map((one) => one.name));
    if (ahead.size && messages.every((one) => ahead.has(one.name) || one.type === "RemoveSceneNodeMessage")) {
      // Voxels sent ahead of time, hidden, and hidden ones that go for them: nothing is seen of that.
      restUntil = Math.max(restUntil, performance.now() + REST_MS);
    } else if (voxels.size > ahead.size) {
      held += 1;
      port2.postMessage(TURNS);
    } else wake();
  };
  window.Worker = class extends window.Worker {
    /** @param {string | URL} url @param {WorkerOptions} [options] */
    constructor(url, options) {
      super(url, options);
      this.addEventListener("message", ({ data }) => { if (data?.type === "message_batch") arrived(data.messages); });
    }
  };
})();
