// What the page knows: what the agent answered, kept current by its events. It asks the agent for
// everything when the stream begins anew, and now and then for what no event tells (resources, the
// time of the last poll, guards, windows). Views are told once a frame what has changed.

import { EventStream } from './stream.js';

const refresh_interval = 5000; // supervisors; milliseconds
const guard_pause = 300; // after a decision; milliseconds
const many = 200; // processes: from here on their resources are asked for more rarely
const kept_samples = 240; // of CPU and memory, for each process
const kept_operations = 300;
const trouble_lasts = 60_000; // a process that flaps stays among the problems between its crashes

export function id_of(process) {
  return `${process.supervisor ?? ''}/${process.group}:${process.name}`;
}

/** As people write it: the group is left out where it is the process's own. */
export function label_of(process) {
  const prefix = process.supervisor ? `${process.supervisor}/` : '';
  if (process.name == null) {
    return `${prefix}${process.group}:*`;
  }
  return prefix + (process.group === process.name ? process.name
                                                  : `${process.group}:${process.name}`);
}

/** The whole name of a process in the API: group and supervisor are always there. */
export function name_of(process) {
  const prefix = process.supervisor ? `${process.supervisor}/` : '';
  return `${prefix}${process.group}:${process.name}`;
}

/** The path of a process in the API. */
export function path_of(process, rest = '') {
  const name = encodeURIComponent(`${process.group}:${process.name}`);
  return `/api/v1/processes/${name}${rest}${supervisor_query(process)}`;
}

export function supervisor_query(process, separator = '?') {
  return process.supervisor
    ? `${separator}supervisor=${encodeURIComponent(process.supervisor)}` : '';
}

const broken_states = ['FATAL', 'BACKOFF', 'UNKNOWN'];

export class State extends EventTarget {
  processes = new Map(); // by id_of
  supervisors = [];
  operations = new Map(); // by id, the oldest first
  guards = new Map(); // by id_of
  windows = []; // of maintenance
  decisions = new Map(); // by id_of: how many came while the page was open
  samples = new Map(); // by id_of: {at, cpu, memory}
  members = []; // of the cluster: its hosts; none where there is no cluster
  limits = []; // that they share, each with the holders of its slots
  loaded = false;
  disconnected_since = null;
  suspended = false;

  #api;
  #stream;
  #changes = new Set();
  #frame = null;
  #waiting = null; // events that came while everything is being read
  #timer = null;
  #guard_timer = null;
  #ended = new AbortController();
  #snapshot_at = '';
  #snapshot_seen = null;
  #trouble = new Map(); // by id_of: when it was last seen in a broken state
  #refreshes = 0;
  #is_alone = false; // this agent shares nothing with others
  #order = null; // all ids, as they are shown

  constructor(api) {
    super();
    this.#api = api;
    this.#stream = new EventStream(api, {
      event: (type, data) => this.#receive(type, data),
      connected: (resumed) => this.#connected(resumed),
      disconnected: () => this.#disconnected(),
      suspended: () => {
        this.suspended = true;
        this.#changed('connection');
      },
    }, this.#ended.signal);
  }

  start() {
    this.#stream.start();
    this.#timer = setInterval(() => this.#refresh(), refresh_interval);
    document.addEventListener('visibilitychange', () => this.#refresh(),
      { signal: this.#ended.signal });
  }

  end() {
    this.#stream.end();
    this.#ended.abort();
    clearInterval(this.#timer);
    clearTimeout(this.#guard_timer);
    this.loaded = false;
  }

  /** All processes, by supervisor, group and name, in which numbers count as such. */
  in_order() {
    if (!this.#order) {
      const compare = new Intl.Collator('en', { numeric: true }).compare;
      this.#order = [...this.processes.keys()].sort(compare);
    }
    return this.#order.map((id) => this.processes.get(id));
  }

  /** How old the last poll is, in milliseconds; null if that is not known. */
  age() {
    return this.#snapshot_seen === null ? null : Date.now() - this.#snapshot_seen;
  }

  /** Unix seconds of supervisord's clock now, for an uptime that runs on. */
  now_of(process) {
    return process.now === null ? null : process.now + (Date.now() - process.received_at) / 1000;
  }

  is_problem(process) {
    return this.is_broken(process) || this.is_recovering(process);
  }

  is_broken(process) {
    const unexpected = process.last_exit_expected === false ||
      (process.last_exit_expected === null && Boolean(process.exit_status));
    return broken_states.includes(process.state) || (process.state === 'EXITED' && unexpected);
  }

  /** It does not run, and nothing is wrong with that. */
  is_idle(process) {
    return ['STOPPED', 'STOPPING', 'EXITED'].includes(process.state) && !this.is_broken(process);
  }

  /** It ended unexpectedly a short while ago, and runs or is about to. */
  is_recovering(process) {
    if (process.state !== 'RUNNING' && process.state !== 'STARTING') {
      return false;
    }
    const seen = this.#trouble.get(id_of(process));
    return seen !== undefined && Date.now() - seen < trouble_lasts;
  }

  supervisor_of(process) {
    return this.supervisors.find((each) => each.name === process.supervisor);
  }

  windows_of(process) {
    return this.windows.filter((window) => covers(window.scope, process));
  }

  /** Operations on it, those on its group among them; the newest first. */
  operations_of(process) {
    return [...this.operations.values()].filter((each) =>
      each.supervisor === process.supervisor && each.group === process.group &&
      (each.name === process.name || each.name === null)).reverse();
  }

  /** How many decisions about it, or about its group, came while the page was open. */
  decisions_of(id) {
    const group = `${id.slice(0, id.lastIndexOf(':'))}:null`;
    return (this.decisions.get(id) ?? 0) + (this.decisions.get(group) ?? 0);
  }

  put_operation(operation) {
    if (!operation.id) {
      return;
    }
    const known = this.operations.get(operation.id);
    if (known && known.steps.length > operation.steps.length) {
      return; // an answer that was overtaken by an event
    }
    this.operations.set(operation.id, operation);
    while (this.operations.size > kept_operations) {
      this.operations.delete(this.operations.keys().next().value);
    }
    this.#changed('operations');
  }

  async load_windows() {
    this.windows = await this.#api.get('/api/v1/maintenance');
    this.#changed('windows');
  }

  async load_guards() {
    this.put_guards(await this.#api.get('/api/v1/guards'));
  }

  /** While etcd does not answer, what it said last stands. */
  async load_cluster() {
    if (this.#is_alone) {
      return;
    }
    try {
      [this.members, this.limits] = await Promise.all([this.#api.get('/api/v1/fleet/members'),
        this.#api.get('/api/v1/fleet/limits')]);
      this.#changed('cluster');
    } catch (problem) {
      this.#is_alone ||= problem.status === 404;
    }
  }

  /** The slots that this host holds for the process: {limit, since, failed}. */
  slots_of(process) {
    const host = this.members.find((member) => member.self)?.name;
    return this.limits.flatMap((limit) => limit.holders.filter((holder) => holder.host === host &&
      holder.process === name_of(process)).map((holder) => ({ ...holder, limit: limit.name })));
  }

  put_guards(guards) {
    this.guards = new Map(guards.map((guard) => [id_of(guard), guard]));
    this.#changed('guards');
  }

  async #connected(resumed) {
    this.disconnected_since = null;
    this.suspended = false;
    this.#changed('connection');
    if (!resumed || !this.loaded) {
      await this.#load();
    }
    this.#refresh();
  }

  #disconnected() {
    this.disconnected_since ??= Date.now();
    this.#changed('connection');
  }

  /** Everything, while the events that come meanwhile wait. */
  async #load() {
    if (this.#waiting) {
      return;
    }
    this.#waiting = [];
    try {
      const [supervisors, processes, operations] = await Promise.all([
        this.#api.get('/api/v1/supervisors'),
        this.#api.get('/api/v1/processes'),
        this.#api.get('/api/v1/operations'),
      ]);
      this.#put_supervisors(supervisors);
      this.#put_list(processes);
      operations.slice(-kept_operations).forEach((each) => this.put_operation(each));
      await Promise.all([this.load_guards().catch(() => {}), this.load_windows().catch(() => {})]);
      this.loaded = true;
    } catch {
      this.#disconnected(); // what could not be read is read when the stream begins again
      this.#stream.end();
      setTimeout(() => this.#ended.signal.aborted || this.#stream.start(), 1000);
    }
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting.forEach(([type, data]) => this.#apply(type, data));
    this.#changed('processes');
  }

  #receive(type, data) {
    if (this.#waiting) {
      this.#waiting.push([type, data]);
    } else {
      this.#apply(type, data);
    }
  }

  #apply(type, data) {
    switch (type) {
      case 'process':
        this.#apply_process(data);
        break;
      case 'supervisor':
        this.#put_supervisors([
          ...this.supervisors.filter((each) => each.name !== data.name), data]);
        break;
      case 'operation':
        this.put_operation(data);
        break;
      case 'decision':
        this.decisions.set(id_of(data), (this.decisions.get(id_of(data)) ?? 0) + 1);
        this.#changed('decisions');
        this.#guards_changed();
        break;
      case 'reset':
        this.#load();
        break;
    }
  }

  /** Decisions come by the hundred: their cooldowns and pending alerts are read once for all. */
  #guards_changed() {
    this.#guard_timer ??= setTimeout(() => {
      this.#guard_timer = null;
      if (!document.hidden) {
        this.load_guards().catch(() => {}); // the stream tells whether the agent is there
      }
    }, guard_pause);
  }

  #apply_process({ change, process }) {
    if (change === 'vanished') {
      this.#remove_process(id_of(process));
    } else {
      this.#put_process(process);
    }
    this.#changed('processes');
    this.dispatchEvent(new CustomEvent('transition', { detail: id_of(process) }));
  }

  #put_process(process) {
    const id = id_of(process);
    process.received_at = Date.now();
    if (this.is_broken(process)) {
      this.#trouble.set(id, Date.now());
    } else if (!['RUNNING', 'STARTING'].includes(process.state)) {
      this.#trouble.delete(id);
    } else if (process.last_exit_expected === false && process.uptime_seconds !== null &&
               process.uptime_seconds * 1000 < trouble_lasts) {
      this.#trouble.set(id, Date.now() - process.uptime_seconds * 1000);
    }
    this.#put_sample(id, process);
    if (!this.processes.has(id)) {
      this.#order = null;
    }
    this.processes.set(id, process);
  }

  #remove_process(id) {
    this.processes.delete(id);
    this.#order = null;
  }

  /** CPU is a rate: it takes two samples of one run. */
  #put_sample(id, process) {
    const used = process.resources;
    const before = this.processes.get(id);
    process.cpu = before?.pid === process.pid ? before.cpu : null;
    if (!used) {
      return;
    }
    const earlier = before?.pid === process.pid ? before.resources : null;
    const seconds = earlier && (process.now - before.now);
    if (seconds > 0 && used.cpu_seconds_total >= earlier.cpu_seconds_total) {
      process.cpu = (used.cpu_seconds_total - earlier.cpu_seconds_total) / seconds;
    }
    const samples = this.samples.get(id) ?? [];
    samples.push({ at: Date.now(), cpu: process.cpu, memory: used.resident_memory_bytes });
    this.samples.set(id, samples.slice(-kept_samples));
  }

  #put_supervisors(supervisors) {
    this.supervisors = supervisors.sort((a, b) => (a.name ?? '').localeCompare(b.name ?? ''));
    const newest = supervisors.map((each) => each.snapshot_at ?? '').sort().at(-1) ?? '';
    if (newest !== this.#snapshot_at) {
      // The agent's clock may be another one than ours: what counts is when it went on.
      const by_clocks = Date.now() - Date.parse(newest);
      const first = this.#snapshot_at === '' && by_clocks > 0 && by_clocks < 60_000;
      this.#snapshot_at = newest;
      this.#snapshot_seen = Date.now() - (first ? by_clocks : 0);
    }
    this.#changed('supervisors');
  }

  /** What no event tells. Not while nobody looks. */
  async #refresh() {
    if (document.hidden || !this.loaded || this.disconnected_since) {
      return;
    }
    const turn = this.#refreshes++;
    const rarely = this.processes.size > many ? 6 : 1; // a long list is half a megabyte to make
    try {
      this.#put_supervisors(await this.#api.get('/api/v1/supervisors'));
      if (turn % rarely === 0) {
        this.#put_list(await this.#api.get_if_new('/api/v1/processes'));
      }
      if (turn % 3 === 0) {
        await Promise.all([this.load_guards(), this.load_windows(), this.load_cluster()]);
      }
    } catch {
      return; // the stream tells whether the agent is there
    }
  }

  #put_list(list) {
    if (list) {
      const gone = new Set(this.processes.keys());
      for (const process of list) {
        gone.delete(id_of(process));
        this.#put_process(process);
      }
      gone.forEach((id) => this.#remove_process(id));
      this.#changed('processes');
    }
  }

  #changed(what) {
    this.#changes.add(what);
    if (document.hidden) {
      this.dispatchEvent(new Event('title'));
    }
    this.#frame ??= requestAnimationFrame(() => {
      const changes = this.#changes;
      this.#changes = new Set();
      this.#frame = null;
      this.dispatchEvent(new CustomEvent('change', { detail: changes }));
    });
  }
}

/** Whether the scope of a window of maintenance, like `web:*`, holds for a process. */
export function covers(scope, process) {
  const slash = scope.indexOf('/');
  const supervisor = slash < 0 ? null : scope.slice(0, slash);
  const rest = scope.slice(slash + 1);
  if (supervisor !== null && supervisor !== (process.supervisor ?? '')) {
    return false;
  }
  return rest === '*' || rest === `${process.group}:*` ||
    rest === `${process.group}:${process.name}`;
}
