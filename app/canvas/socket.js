/**
 * One WebSocket, reopened with growing pauses. What a user did is numbered and kept until the studio has answered; after a broken link it is
 * sent again, and the studio does nothing twice. What changes a scene waits until that scene is open again: a studio that was started anew
 * opens it by itself where all of it was saved, and offers it where not.
 */

/** @typedef {{ok: boolean, rev: number, error?: string|null}} Ack */
/** @typedef {{message: {seq: number, session?: string} & Record<string, any>, settle: (ack: Ack) => void, sent: number, acked: number}} Kept */

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 4000;
/** A studio that is up says so within that. */
const ANSWERS_MS = 10000;
/** A draft has what was done by then: what was answered longer ago need not be sent again to a studio that died. */
const SAFE_MS = 30000;

export class Socket {
  /**
   * @param {string} url
   * @param {{message: (message: any) => void, state: (state: "connecting"|"open"|"lost") => void, hello: () => object}} handlers
   */
  constructor(url, handlers) {
    this.url = url;
    this.handlers = handlers;
    this.seq = 0;
    this.page = [...crypto.getRandomValues(new Uint32Array(3))].map((n) => n.toString(36)).join("");
    this.pause_ms = FIRST_PAUSE_MS;
    this.roundtrip_ms = 0;
    /** By number, in order. @type {Map<number, Kept>} */ this.kept = new Map();
    /** The document that is open. */ this.session = "";
    /** Hash of it, while nothing was done in it. */ this.untouched = "";
    /** Whether the document that came last is the one before. */ this.same = false;
    /** Whether the document has come on this connection: nothing that is kept is sent before it. */ this.met = false;
    /** @type {WebSocket|null} */ this.ws = null;
    this.open();
  }

  open() {
    this.handlers.state("connecting");
    const ws = new WebSocket(this.url);
    this.ws = ws;
    this.met = false;
    ws.onopen = () => {
      this.pause_ms = FIRST_PAUSE_MS;
      this.handlers.state("open");
      this.send(this.handlers.hello());
    };
    ws.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.type === "ack") return this.settle(message.seq, message);
      if (message.type === "patch" && (message.set?.length || message.removed?.length || message.ego || message.fields)) this.untouched = "";
      if (message.type === "document") this.adopt(message);
      this.handlers.message(message);
      if (message.type === "document") this.meet(message);
    };
    ws.onclose = () => {
      this.ws = null;
      this.met = false;
      this.handlers.state("lost");
      this.again();
    };
  }

  /** Open it once the studio answers. One that was started again wants a new cookie, which the page's own address gives: before that it would refuse a socket. */
  again() {
    setTimeout(() => fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(ANSWERS_MS) }).then(() => this.open(), () => this.again()), this.pause_ms);
    this.pause_ms = Math.min(LONGEST_PAUSE_MS, this.pause_ms * 1.7);
  }

  /** A scene in which nothing had been done is the same one in a studio that was started anew. @param {{session?: string, untouched?: string}} message */
  adopt({ session = "", untouched = "" }) {
    const anew = untouched !== "" && untouched === this.untouched;
    this.same = anew || session === this.session;
    if (anew) for (const { message, acked } of this.kept.values()) if (!acked && message.session === this.session) message.session = session;
    this.untouched = untouched;
  }

  /** A document is open: send again, in their order, those that are kept for it and that it does not hold. @param {{session?: string, heard?: Record<string, number>}} message */
  meet({ session = "", heard = {} }) {
    const again = !this.met || session !== this.session;
    this.session = session;
    this.met = true;
    if (!again) return;
    for (const kept of this.kept.values()) {
      const { message } = kept, mine = message.session === undefined ? !kept.acked : message.session === session && (!kept.acked || message.seq > (heard[this.page] ?? 0));
      if (mine) this.send(message);
    }
  }

  /** How many wait for a scene that is not open. */
  get stranded() {
    return [...this.kept.values()].filter(({ message, acked }) => !acked && message.session !== undefined && message.session !== this.session).length;
  }

  /** @param {number} seq @param {Ack} ack */
  settle(seq, ack) {
    const kept = this.kept.get(seq), now = performance.now();
    if (!kept) return;
    if (!kept.acked) {
      this.roundtrip_ms = now - kept.sent;
      kept.acked = now;
      kept.settle(ack);
    }
    for (const [number, old] of this.kept) {
      if (old.acked && (old.message.session === undefined || old.acked < now - SAFE_MS)) this.kept.delete(number);
    }
  }

  /** For what may be lost with the link. False where there is none. @param {object} message */
  send(message) {
    if (this.ws?.readyState !== WebSocket.OPEN) return false;
    this.ws.send(JSON.stringify(message));
    return true;
  }

  /**
   * For what must not be lost: it is sent now, or once the link is back. `bound`: it is meant for the scene that is open.
   * @param {object} message @param {boolean} [bound] @returns {Promise<Ack>}
   */
  post(message, bound = false) {
    const seq = ++this.seq, whole = { ...message, page: this.page, seq, ...(bound && { session: this.session }) };
    return new Promise((settle) => {
      this.kept.set(seq, { message: whole, settle, sent: performance.now(), acked: 0 });
      if (this.met) this.send(whole);
    });
  }

  /** @param {string} name @param {object} args @returns {Promise<Ack>} */
  command(name, args) {
    return this.post({ type: "command", name, args }, true);
  }
}
