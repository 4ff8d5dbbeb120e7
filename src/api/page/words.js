// Facts of the API as short English: durations, ends of runs, decisions, steps.

const signals = ['', 'HUP', 'INT', 'QUIT', 'ILL', 'TRAP', 'ABRT', 'BUS', 'FPE', 'KILL', 'USR1', 'SEGV',
  'USR2', 'PIPE', 'ALRM', 'TERM', 'STKFLT', 'CHLD', 'CONT', 'STOP', 'TSTP', 'TTIN', 'TTOU', 'URG',
  'XCPU', 'XFSZ', 'VTALRM', 'PROF', 'WINCH', 'IO', 'PWR', 'SYS'];

export function count_of(number, word) {
  return `${number} ${word}${number === 1 ? '' : /(s|ch)$/.test(word) ? 'es' : 's'}`;
}

/** The two largest units: 12 d 4 h. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60];
  if (days > 0) {
    return hours ? `${days} d ${hours} h` : `${days} d`;
  }
  if (hours > 0) {
    return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  }
  if (minutes > 0) {
    return minutes < 10 && whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  }
  return `${whole} s`;
}

/** For a countdown: 4:38. */
export function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const rest = `${String(Math.floor(whole / 60) % 60).padStart(whole >= 3600 ? 2 : 1, '0')}:` +
    String(whole % 60).padStart(2, '0');
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${rest}` : rest;
}

const time_of_day = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** Of this person's clock: 03:12:40, with the day where it is another. `at`: a Date or its argument. */
export function time(at) {
  const date = new Date(at);
  const clock = time_of_day.format(date);
  return date.toDateString() === new Date().toDateString() ? clock : `${day.format(date)} ${clock}`;
}

/** A sentence of the agent, with its times as this person's clock has them. */
export function with_local_times(text) {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (at) => time(at));
}

export function seconds_until(at) {
  return (Date.parse(at) - Date.now()) / 1000;
}

export function bytes(number) {
  for (const [unit, size] of [['GB', 1e9], ['MB', 1e6], ['kB', 1e3]]) {
    if (number >= size) {
      const value = number / size;
      return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
    }
  }
  return `${number} B`;
}

export function percent(share) {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

export function signal_text(number) {
  return signals[number] ? `SIG${signals[number]} (${number})` : `signal ${number}`;
}

/** How a run ended; '' if that is not known. */
export function exit_text({ exit_status, exit_signal }) {
  if (exit_signal != null) {
    return signal_text(exit_signal);
  }
  return exit_status != null ? `exit ${exit_status}` : '';
}

/** The last end of a process, for its row. */
export function last_exit(process) {
  const text = exit_text(process);
  if (!text) {
    return process.spawn_error;
  }
  return process.last_exit_expected ? `${text}, expected` : text;
}

/** What is wrong with a process, in a few words. */
export function trouble(process) {
  const end = process.exit_signal != null ? `killed by ${exit_text(process)}` : exit_text(process);
  const facts = [process.spawn_error || end || process.description || ''];
  if (process.restarts) {
    facts.push(count_of(process.restarts, 'restart'));
  }
  return facts.filter(Boolean).join(', ');
}

const decisions = {
  malformed: 'The alert could not be used.',
  not_here: 'The alert does not carry this agent’s identity.',
  no_rule: 'No rule matches the alert.',
  off: 'Its rule is off.',
  resolved: 'The alert is over.',
  no_target: 'The rule does not name exactly one known process.',
  not_allowed: 'Rule, token or configuration do not allow it.',
  self: 'That is Reeve itself.',
  duplicate: 'This alert was acted on already.',
  attempts_exhausted: 'This alert has had its attempts.',
  state_unreadable: 'The record of earlier actions cannot be read: a person must look.',
  unreachable: 'supervisord does not answer.',
  maintenance: 'It is under maintenance.',
  breaker_open: 'Too many processes have alerts at once: the breaker is open.',
  stopped: 'It was stopped on purpose.',
  state: 'It is in none of the states that the rule acts in.',
  in_transition: 'supervisord is already starting or stopping it.',
  too_young: 'It was started too short a time ago.',
  restarted_since: 'It was started after the alert began.',
  cooldown: 'It was acted on a short while ago, and is left alone.',
  budget: 'All actions for alerts are used up for now.',
  gave_up: 'Restarted in vain too often: left alone until a person resets it.',
  in_flight: 'Another action on it is not done.',
  no_such_limit: 'Its rule names a limit that the cluster does not have.',
  waiting_for_slot: 'All slots of its limit are held: it waits for one.',
  no_slot: 'No slot of its limit became free in time.',
  fleet_budget: 'The cluster’s budget of its limit is used up.',
  coordination_unreachable: 'etcd, which knows the cluster’s slots, does not answer.',
  pending: 'Something that may pass by itself is in the way: decided anew.',
  would_act: 'It would have acted: the rule is a dry run.',
  accepted: 'Acted.',
  vetoed: 'The query of its rule (only_if) did not allow it.',
  stale: 'It was another run by then.',
  withdrawn: 'Whoever asked for it may not any more, or the alert was over.',
  shutting_down: 'The agent was about to end.',
  not_recorded: 'It could not be written to disk, so it was not done.',
  missing_scope: 'Refused: the credentials lack the scope.',
};

export function decision_text(word) {
  return decisions[word] ?? (word ? `Refused: ${word.replaceAll('_', ' ')}.` : '');
}

const steps = {
  looked: 'looked',
  stop_requested: 'stop requested',
  stopped: 'stopped',
  start_requested: 'start requested',
  started: 'started',
  signal_requested: 'signal requested',
  signalled: 'signal sent',
  outcome_unknown: 'no answer: looking what became of it',
  member: 'done',
  group_removed: 'group removed',
  group_added: 'group added',
  resumed: 'resumed after a restart of the agent',
  finished: 'finished',
};

export function step_text(step) {
  return steps[step] ?? step.replaceAll('_', ' ');
}

const results = {
  succeeded: 'done, verified',
  failed: 'failed',
  flapped: 'came up, and did not stay',
  abandoned: 'given up: someone else acted on it',
  refused: 'refused',
};

/** What an operation is at, or came to. */
export function operation_text(operation) {
  if (operation.state === 'done') {
    return operation.result === 'succeeded' && operation.changed === false
      ? 'nothing had to be done' : results[operation.result] ?? operation.result;
  }
  const step = operation.steps.at(-1);
  const waits = { queued: 'waits for its turn', verifying: 'no answer: looking what became of it' };
  return waits[operation.state] ?? (step?.step === 'started'
    ? 'started, verifying' : step ? step_text(step.step) : 'begins');
}

export function operation_seconds(operation) {
  return (Date.parse(operation.finished_at) - Date.parse(operation.created_at)) / 1000;
}
