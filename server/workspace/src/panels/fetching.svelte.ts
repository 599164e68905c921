// Brings the series that panels show: those of all panels that ask within a moment by one request, each kept until something makes it old.

import type { Question, Run, Series, Server, Stream } from "../wire";
import { follow } from "./drawing";

const GATHER_MILLISECONDS = 30;
const MAX_SERIES = 1_500;
const MOST_TIMES_THE_BUCKETS = 3;

interface Wanted {
  key: string;
  x: string;
  low: number | null;
  high: number | null;
}

function nameOf(wanted: Wanted): string {
  return JSON.stringify([wanted.key, wanted.x, wanted.low, wanted.high]);
}

/** What one panel shows: series by run, and what is still missing. */
export class Shown {
  series = $state.raw<Map<string, Series>>(new Map());
  isLoading = $state(false);
  problem = $state<string>();
}

export class Fetcher {
  readonly server: Server;
  readonly stream: Stream;
  readonly #buckets: number;
  #shown = new Map<string, Shown>();
  #asked = new Map<string, Set<string>>();
  #waiting = new Map<string, { wanted: Wanted; runs: Set<string> }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(server: Server, stream: Stream = "history", buckets = 500) {
    this.server = server;
    this.stream = stream;
    this.#buckets = buckets;
  }

  /** Give what is there for a panel, and see that what is missing comes. */
  show(wanted: Wanted, runs: Run[]): Shown {
    const name = nameOf(wanted);
    let shown = this.#shown.get(name);
    if (!shown) this.#shown.set(name, (shown = new Shown()));
    const asked = this.#asked.get(name) ?? new Set<string>();
    this.#asked.set(name, asked);
    const missing = runs.filter((run) => !asked.has(run.name)).map((run) => run.name);
    if (missing.length) {
      missing.forEach((run) => asked.add(run));
      const waiting = this.#waiting.get(name) ?? { wanted, runs: new Set<string>() };
      missing.forEach((run) => waiting.runs.add(run));
      this.#waiting.set(name, waiting);
      this.#timer ??= setTimeout(() => void this.#ask(), GATHER_MILLISECONDS);
    }
    return shown;
  }

  async #ask(): Promise<void> {
    this.#timer = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting = new Map();
    // Panels that want the same runs over the same span go together.
    const together = new Map<string, { wanted: Wanted[]; runs: string[] }>();
    for (const { wanted, runs } of waiting) {
      const names = [...runs];
      const alike = JSON.stringify([wanted.x, wanted.low, wanted.high, names]);
      const group = together.get(alike) ?? { wanted: [], runs: names };
      group.wanted.push(wanted);
      together.set(alike, group);
    }
    for (const { wanted, runs } of together.values()) {
      const atOnce = Math.max(1, Math.floor(MAX_SERIES / runs.length));
      for (let from = 0; from < wanted.length; from += atOnce) await this.#bring(wanted.slice(from, from + atOnce), runs);
    }
  }

  async #bring(wanted: Wanted[], runs: string[], after?: Record<string, number>): Promise<void> {
    const [first] = wanted;
    if (!first) return;
    const panels = new Map(wanted.map((each) => [each.key, this.#shown.get(nameOf(each))]));
    const question: Question = {
      runs,
      keys: [...panels.keys()],
      stream: this.stream,
      x: first.x,
      buckets: this.#buckets,
      low: first.low,
      high: first.high,
      after: after ?? {},
    };
    if (!after) panels.forEach((shown) => shown && (shown.isLoading = true));
    try {
      const found = await this.server.charts(question);
      const byKey = Map.groupBy(found, (series) => series.key);
      for (const [key, shown] of panels) {
        if (!shown) continue;
        const series = new Map(shown.series);
        for (const each of byKey.get(key) ?? []) {
          const earlier = after && series.get(each.run);
          series.set(each.run, earlier ? follow(earlier, each) : each);
        }
        shown.series = series;
        shown.problem = undefined;
      }
    } catch (fault) {
      for (const shown of panels.values()) if (shown) shown.problem = fault instanceof Error ? fault.message : String(fault);
    } finally {
      panels.forEach((shown) => shown && (shown.isLoading = false));
    }
  }

  /**
   * Bring what some runs logged since. Only panels that are in sight now are brought up to date; the others ask anew when they are seen.
   * seen: what the panels in sight show.
   */
  async renew(changed: string[], seen: Wanted[]): Promise<void> {
    const inSight = new Set(seen.map(nameOf));
    for (const [name, asked] of this.#asked) {
      if (inSight.has(name)) continue;
      changed.forEach((run) => asked.delete(run));
    }
    const open = seen.filter((wanted) => wanted.high === null);
    for (const wanted of Map.groupBy(open, (each) => each.x).values()) {
      const after: Record<string, number> = {};
      for (const run of changed) {
        const there = wanted.map((each) => this.#shown.get(nameOf(each))?.series.get(run)?.x ?? []);
        const ends = there.map((x) => x.at(-1)).filter((end): end is number => typeof end === "number");
        // What was followed for long is drawn anew: it would grow without an end, fine where it is new and coarse where it is old.
        const isShort = there.every((x) => x.length <= MOST_TIMES_THE_BUCKETS * this.#buckets);
        if (isShort && ends.length === wanted.length) after[run] = Math.min(...ends);
      }
      await this.#bring(wanted, changed, after);
    }
  }
}
