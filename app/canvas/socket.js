/** One WebSocket, reopened with growing pauses. Commands are numbered; each one's answer settles its promise. */

/** @typedef {{ok: boolean, rev: number, error?: string|null}} Ack */

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 4000;

export class Socket {
  /**
   * @param {string} url
   * @param {{message: (message: any) => void, state: (state: "connecting"|"open"|"lost") => void, hello: () => object}} handlers
   */
  constructor(url, handlers) {
    this.url = url;
    this.handlers = handlers;
    this.seq = 0;
    this.pause_ms = FIRST_PAUSE_MS;
    this.roundtrip_ms = 0;
    /** @type {Map<number, {settle: (ack: Ack) => void, sent: number}>} */ this.waiting = new Map();
    /** @type {WebSocket|null} */ this.ws = null;
    this.open();
  }

  open() {
    this.handlers.state("connecting");
    const ws = new WebSocket(this.url);
    this.ws = ws;
    let opened = false;
    ws.onopen = () => {
      opened = true;
      this.pause_ms = FIRST_PAUSE_MS;
      this.handlers.state("open");
      this.send(this.handlers.hello());
    };
    ws.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.type === "ack") this.settle(message.seq, message);
      else this.handlers.message(message);
    };
    ws.onclose = () => {
      this.ws = null;
      this.handlers.state("lost");
      for (const seq of [...this.waiting.keys()]) this.settle(seq, { ok: false, rev: -1, error: "The connection was lost before the studio answered; the edit may not have been applied." });
      // A studio that was started again wants a new cookie, which the page's own address gives.
      const ready = opened ? Promise.resolve() : fetch(location.href, { cache: "no-store" }).then(() => {}, () => {});
      setTimeout(() => ready.then(() => this.open()), this.pause_ms);
      this.pause_ms = Math.min(LONGEST_PAUSE_MS, this.pause_ms * 1.7);
    };
  }

  /** @param {number} seq @param {Ack} ack */
  settle(seq, ack) {
    const waiter = this.waiting.get(seq);
    if (!waiter) return;
    this.waiting.delete(seq);
    if (ack.rev >= 0) this.roundtrip_ms = performance.now() - waiter.sent;
    waiter.settle(ack);
  }

  /** False where there is no connection. @param {object} message */
  send(message) {
    if (this.ws?.readyState !== WebSocket.OPEN) return false;
    this.ws.send(JSON.stringify(message));
    return true;
  }

  /** @param {string} name @param {object} args @returns {Promise<Ack>} */
  command(name, args) {
    const seq = ++this.seq;
    return new Promise((settle) => {
      this.waiting.set(seq, { settle, sent: performance.now() });
      if (!this.send({ type: "command", seq, name, args })) this.settle(seq, { ok: false, rev: -1, error: "Not connected to the studio, so this edit was not made; it reconnects by itself." });
    });
  }
}
