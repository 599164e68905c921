// Brings the series that panels show: those of all panels that ask within a moment by one request, each kept until something makes it old.

import type { Question, Run, Series, Server, Stream } from "../wire";
import { follow } from "./drawing";

const GATHER_MILLISECONDS = 30;
const MAX_SERIES = 1_500;

interface Wanted {
  key: string;
  x: string;
  low: number | null;
  high: number | null;
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
    const name = JSON.stringify([wanted.key, wanted.x, wanted.low, wanted.high]);
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
    const panels = new Map(wanted.map((each) => [each.key, this.#shown.get(JSON.stringify([each.key, each.x, each.low, each.high]))]));
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
    const inSight = new Set(seen.map((wanted) => JSON.stringify([wanted.key, wanted.x, wanted.low, wanted.high])));
    for (const [name, asked] of this.#asked) {
      if (inSight.has(name)) continue;
      changed.forEach((run) => asked.delete(run));
    }
    const open = seen.filter((wanted) => wanted.high === null);
    for (const [x, wanted] of Map.groupBy(open, (each) => each.x)) {
      void x;
      const after: Record<string, number> = {};
      for (const run of changed) {
        const ends = wanted.map((each) => this.#shown.get(JSON.stringify([each.key, each.x, each.low, each.high]))?.series.get(run)?.x.at(-1));
        const known = ends.filter((end): end is number => typeof end === "number");
        if (known.length === wanted.length) after[run] = Math.min(...known);
      }
      await this.#bring(wanted, changed, after);
    }
  }
}
