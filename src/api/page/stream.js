// The agent's events, live: server-sent events read from a response, so that a token in memory
// works as a cookie does. A stream that breaks begins again after the last event it had.

const first_pause = 500; // milliseconds
const longest_pause = 5000;
const longest_silence = 40_000; // the agent sends a comment every 15 s
const hidden_for = 300_000; // after so long a hidden tab gives its connection up

export class EventStream {
  #api;
  #last_id = null;
  #is_open = false; // or about to be
  #stop = null;
  #retry = null; // the timer of the next connection
  #patience = null; // the timer of a hidden tab
  #pause = first_pause;
  #reader = 0;

  /**
   * `handler` has event(type, data), connected(resumed), disconnected() and suspended(): the tab
   * has been hidden for long. If the agent no longer has what was missed it says `reset`. `ended`
   * is the signal after which it does nothing.
   */
  constructor(api, handler, ended) {
    this.#api = api;
    this.handler = handler;
    document.addEventListener('visibilitychange', () => this.#visibility_changed(),
      { signal: ended });
  }

  start() {
    clearTimeout(this.#retry);
    this.#connect(++this.#reader);
  }

  end() {
    ++this.#reader;
    clearTimeout(this.#retry);
    clearTimeout(this.#patience);
    this.#stop?.abort();
    this.#stop = null;
    this.#last_id = null;
  }

  #visibility_changed() {
    clearTimeout(this.#patience);
    if (document.hidden) {
      this.#patience = this.#stop && setTimeout(() => this.#suspend(), hidden_for);
    } else if (this.#stop && !this.#is_open) {
      this.start();
    }
  }

  #suspend() {
    ++this.#reader;
    clearTimeout(this.#retry);
    this.#stop.abort();
    this.#is_open = false;
    this.handler.suspended();
  }

  async #connect(reader) {
    this.#is_open = true;
    this.#stop?.abort();
    this.#stop = new AbortController();
    let problem = null;
    try {
      const response = await this.#api.fetch('GET', '/api/v1/events', {
        headers: this.#last_id ? { 'Last-Event-ID': this.#last_id } : {},
        signal: this.#stop.signal,
      });
      this.#pause = first_pause;
      this.handler.connected(this.#last_id !== null);
      await this.#read(response.body.getReader(), this.#stop);
    } catch (error) {
      problem = error;
    }
    if (reader !== this.#reader) {
      return;
    }
    this.#is_open = false;
    this.handler.disconnected();
    if (problem?.status === 401) {
      return;
    }
    this.#retry = setTimeout(() => this.#connect(reader), this.#pause);
    this.#pause = Math.min(2 * this.#pause, longest_pause);
  }

  async #read(reader, stop) {
    const decoder = new TextDecoder();
    let text = '';
    let watch = null;
    try {
      for (;;) {
        clearTimeout(watch);
        watch = setTimeout(() => stop.abort(), longest_silence);
        const { value, done } = await reader.read();
        if (done) {
          return;
        }
        text += decoder.decode(value, { stream: true });
        const events = text.split('\n\n');
        text = events.pop();
        events.forEach((event) => this.#handle(event));
      }
    } finally {
      clearTimeout(watch);
    }
  }

  #handle(text) {
    const event = { type: null, data: '' };
    for (const line of text.split('\n')) {
      const colon = line.indexOf(': ');
      const value = line.slice(colon + 2);
      switch (line.slice(0, colon)) {
        case 'id':
          this.#last_id = value;
          break;
        case 'event':
          event.type = value;
          break;
        case 'data':
          event.data += value;
          break;
      }
    }
    if (event.type) {
      this.handler.event(event.type, JSON.parse(event.data));
    }
  }
}
