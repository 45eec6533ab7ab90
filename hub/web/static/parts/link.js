// One WebSocket to the hub that comes back by itself. Frames are JSON objects with a `type`.

export const HEARTBEAT_MS = 3_000;
export const SILENCE_MS_MAX = 9_000;
const CONNECT_MS_MAX = 5_000;
const RETRY_MS = [250, 500, 1_000, 2_000];

export class Link {
  #url;
  #clock;
  #on;
  #socket = null;
  #heard_ms;
  #opened_ms = -Infinity;
  #tried_ms = 0;
  #retry_ms = 0;
  #retries = 0;
  #beaten_ms = -Infinity;
  #answered_ms = -Infinity;
  round_trip_ms = null;

  /** `on`: {open(), frame(frame), closed(everOpen)}; `clock` is the screen's HubClock. */
  constructor(path, clock, on) {
    this.#url = `${location.protocol === "http:" ? "ws" : "wss"}://${location.host}${path}`;
    this.#clock = clock;
    this.#on = on;
    this.#heard_ms = clock.steady_ms();
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Since the hub was last heard, or since this screen began. */
  get silent_ms() {
    return this.#clock.steady_ms() - this.#heard_ms;
  }

  /** Since the hub answered a heartbeat. */
  get beat_ms() {
    return this.#clock.steady_ms() - this.#answered_ms;
  }

  send(frame) {
    if (this.open) this.#socket.send(JSON.stringify(frame));
    return this.open;
  }

  /** Called four times a second: connects, beats, and lets go of a connection that has fallen silent. */
  tick() {
    const now_ms = this.#clock.steady_ms();
    if (this.open) {
      if (now_ms - Math.max(this.#heard_ms, this.#opened_ms) >= SILENCE_MS_MAX) this.reconnect();
      else if (now_ms - this.#beaten_ms >= HEARTBEAT_MS) this.#beat(now_ms);
    } else if (this.#socket === null) {
      if (now_ms - this.#tried_ms >= this.#retry_ms) this.#connect();
    } else if (now_ms - this.#tried_ms >= CONNECT_MS_MAX) {
      this.#drop();
    }
  }

  reconnect() {
    this.#drop();
    this.#connect();
  }

  #beat(now_ms) {
    this.#beaten_ms = now_ms;
    this.send({ type: "heartbeat", t1_ms: Math.round(now_ms) });
    this.#on.beat?.();
  }

  #connect() {
    this.#tried_ms = this.#clock.steady_ms();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.#retries = 0;
      this.#opened_ms = this.#clock.steady_ms();
      this.#clock.forget();
      this.#beaten_ms = -Infinity;
      this.#on.open();
      this.tick();
    };
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#drop();
      this.#on.closed(opened);
    };
  }

  #take(frame) {
    this.#heard_ms = this.#clock.steady_ms();
    if (frame.type === "heartbeat") {
      this.#answered_ms = this.#heard_ms;
      this.round_trip_ms = this.#clock.exchanged(frame, this.#heard_ms);
    } else if (frame.type === "snapshot") this.#clock.told(frame);
    this.#on.frame(frame);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.round_trip_ms = null;
    this.#retry_ms = RETRY_MS[Math.min(this.#retries, RETRY_MS.length - 1)] * (0.75 + Math.random() / 4);
    this.#retries += 1;
    this.#tried_ms = this.#clock.steady_ms();
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }
}
