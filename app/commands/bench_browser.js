// Put into the page and its 3D frame before their own scripts: when was something that the user did to be seen?
(() => {
  // Epoch milliseconds, the same clock in the page and in the frame.
  const at = (stamp) => performance.timeOrigin + stamp, now = () => at(performance.now());

  if (window !== window.top) {
    // The 3D view: when a picture that differs from the one before was drawn to its end. What is drawn is told apart by the draw calls and
    // the matrices they are drawn with, its end by a fence: reading the pixels would make the page wait, which shares its thread.
    let gl = null, drew = false, hash = 0, before = 0, program = null;
    const values = new Map(), sums = new Map();
    window.benchChanged = window.benchDrawn = 0;
    const instrument = (context) => {
      const wrap = (name, first) => {
        const own = context[name];
        context[name] = function (...all) { first(all); return own.apply(this, all); };
      };
      wrap("useProgram", ([chosen]) => (program = chosen));
      wrap("uniformMatrix4fv", ([location, , data]) => {
        let value = 0;
        for (const one of data) value = (Math.imul(value, 31) + ((one * 4096) | 0)) | 0;
        sums.set(program, ((sums.get(program) ?? 0) + value - (values.get(location) ?? 0)) | 0);
        values.set(location, value);
      });
      for (const name of ["drawElements", "drawArrays", "drawElementsInstanced", "drawArraysInstanced"]) wrap(name, (all) => {
        [drew, gl] = [true, context];
        hash = (Math.imul(hash, 31) + (sums.get(program) ?? 0) + all.reduce((sum, one) => sum * 7 + one, 0)) | 0;
      });
      return context;
    };
    const getContext = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      const context = getContext.call(this, kind, ...rest);
      return kind.startsWith("webgl") && context && !context.instrumented ? Object.assign(instrument(context), { instrumented: true }) : context;
    };
    const animate = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (callback) => animate((stamp) => {
      [drew, hash] = [false, 0];
      callback(stamp);
      if (!drew || hash === before) return;
      before = hash;
      window.benchDrawn += 1;
      const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
      gl.flush();
      const look = () => (gl.getSyncParameter(fence, gl.SYNC_STATUS) === gl.SIGNALED ? (window.benchChanged = now()) : setTimeout(look, 2));
      setTimeout(look, 0);
    });
    return;
  }

  // What is never seen is an error, not a wait without an end.
  const within = (patience, seen) => new Promise((done, failed) => {
    setTimeout(() => failed(new Error(`nothing of it was seen within ${patience / 1000} s`)), patience);
    seen(done);
  });

  // A stroke: from the pointer's event to the canvas having the channel's colour under it, read back from the canvas; and how much of that came
  // after the browser had handed the event to the page, which it does once a drawing.
  window.benchEcho = (patience) => within(patience, (done) => {
    let handed = 0;
    window.addEventListener("pointermove", () => (handed = now()), { once: true, capture: true });
    // Asked before the event: to ask after it makes the page lay itself out first.
    const canvas = document.querySelector("[data-testid=bev-canvas]"), box = canvas.getBoundingClientRect(), ratio = canvas.width / box.width;
    window.addEventListener("pointermove", (event) => {
      const place = [(event.clientX - box.left) * ratio - 9 * ratio, (event.clientY - box.top) * ratio].map(Math.round);
      const look = () => {
        const [r, g, b] = canvas.getContext("2d").getImageData(...place, 1, 1).data;
        if (r + g + b > 150) done([now() - at(event.timeStamp), now() - handed]);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, { once: true });
  });

  // A scrub: from the key's event to the last change of the strip and of the 3D view, none of either for `quiet` milliseconds; and how many different
  // pictures the 3D view drew for it.
  window.benchScrub = (quiet, patience) => within(patience, (done) => {
    window.addEventListener("keydown", (event) => {
      const began = at(event.timeStamp), frame = document.querySelector("[data-testid=viewer-3d]").contentWindow;
      const drawn = frame.benchDrawn;
      let strip = 0, painted = 0;
      const loaded = ({ target }) => { if (target.closest?.("[data-testid=strip]")) strip = now(); };
      document.addEventListener("load", loaded, true);
      requestAnimationFrame(() => (painted = now()));
      const look = setInterval(() => {
        const last = Math.max(painted, strip, frame.benchChanged);
        if (!strip || !(frame.benchChanged > began) || now() - last < quiet) return;
        clearInterval(look);
        document.removeEventListener("load", loaded, true);
        done([last - began, strip - began, frame.benchChanged - began, frame.benchDrawn - drawn]);
      }, 20);
    }, { once: true, capture: true });
  });
})();
