// From series to what is drawn: smoothed, grouped, and joined over one x, as the chart library wants it. Pure.

import { type Smoothing, smooth } from "../smoothing";
import type { Series } from "../wire";

export interface Line {
  name: string;
  label: string;
  colour: string;
  x: (number | null)[];
  y: (number | null)[];
  /** The values before smoothing, where that changed them. */
  raw?: (number | null)[];
  low?: (number | null)[];
  high?: (number | null)[];
}

export interface Look {
  smoothing: Smoothing;
  amount: number;
  logX: boolean;
  logY: boolean;
  shade: boolean;
  /** Where y begins and ends; what is not set follows the values. */
  low?: number | null;
  high?: number | null;
}

/** Where y begins and ends for values between two, with some room around them where nobody set an end. */
export function spanOf(look: Look, [low, high]: [number, number]): [number, number] {
  const isUsable = (end: number | null | undefined): end is number => end !== null && end !== undefined && (!look.logY || end > 0);
  const room = look.logY ? 0 : (high - low) * 0.06 || Math.abs(low) * 0.5 || 1;
  const span: [number, number] = [isUsable(look.low) ? look.low : low - room, isUsable(look.high) ? look.high : high + room];
  // Ends that leave nothing between them say nothing.
  return span[0] < span[1] ? span : [low - room, high + room];
}

export interface Joined {
  x: number[];
  columns: (number | null | undefined)[][];
}

/** A line of one series. */
export function lineOf(series: Series, label: string, colour: string, look: Look): Line {
  const line: Line = { name: series.run, label, colour, x: series.x, y: series.y, low: series.low, high: series.high };
  return smoothed(gathered(line), look);
}

/** Points at one x, as of several processes that count the same steps, or of the batches of an epoch: their mean, and between which they lie. */
function gathered(line: Line): Line {
  if (!line.x.some((at, place) => place > 0 && at !== null && at === line.x[place - 1])) return line;
  const numbers = (values: (number | null)[]) => values.filter((value): value is number => value !== null);
  const found: Line & { low: (number | null)[]; high: (number | null)[] } = { ...line, x: [], y: [], low: [], high: [] };
  for (let from = 0; from < line.x.length; ) {
    let end = from + 1;
    while (end < line.x.length && line.x[from] !== null && line.x[end] === line.x[from]) end++;
    const [y, low, high] = [line.y, line.low ?? line.y, line.high ?? line.y].map((values) => numbers(values.slice(from, end)));
    found.x.push(line.x[from] ?? null);
    found.y.push(y?.length ? y.reduce((sum, value) => sum + value, 0) / y.length : null);
    found.low.push(low?.length ? Math.min(...low) : null);
    found.high.push(high?.length ? Math.max(...high) : null);
    from = end;
  }
  return found;
}

export function smoothed(line: Line, look: Look): Line {
  if (look.smoothing === "none") return line;
  return { ...line, raw: line.y, y: smooth(look.smoothing, look.amount, line.x, line.y) };
}

const BINS = 300;

/** One line of several runs: in each of some equal spans of x the mean of the runs' means, and between which values they lie. */
export function grouped(members: Series[], name: string, label: string, colour: string, look: Look): Line {
  const all = members.flatMap((series) => series.x.filter((at): at is number => at !== null));
  const first = all.reduce((least, at) => Math.min(least, at), Infinity);
  const last = all.reduce((most, at) => Math.max(most, at), -Infinity);
  const width = (last - first) / BINS || 1;
  const bins = new Map<number, { sums: Map<Series, [number, number]> }>();
  for (const series of members) {
    series.x.forEach((at, index) => {
      const value = series.y[index] ?? null;
      if (at === null || value === null) return;
      const place = Math.min(BINS - 1, Math.floor((at - first) / width));
      const bin = bins.get(place) ?? { sums: new Map() };
      const [sum, count] = bin.sums.get(series) ?? [0, 0];
      bin.sums.set(series, [sum + value, count + 1]);
      bins.set(place, bin);
    });
  }
  const line: Line = { name, label, colour, x: [], y: [], low: [], high: [] };
  for (const [place, bin] of [...bins].sort(([one], [other]) => one - other)) {
    const values = [...bin.sums.values()].map(([sum, count]) => sum / count);
    line.x.push(first + place * width);
    line.y.push(values.reduce((sum, value) => sum + value, 0) / values.length);
    line.low?.push(Math.min(...values));
    line.high?.push(Math.max(...values));
  }
  return smoothed(line, look);
}

/** What a logarithmic axis can show: numbers above zero. */
function positive(values: (number | null)[] | undefined, only: boolean): (number | null)[] | undefined {
  return only && values ? values.map((value) => (value !== null && value > 0 ? value : null)) : values;
}

/**
 * Put lines over one x. For each line its columns follow one another: y, then low and high where shaded, then raw where smoothed.
 * undefined: the line has no point there (it is drawn through); null: it has, and no number (it is drawn with a gap).
 */
export function join(lines: Line[], look: Look): Joined {
  const places = new Set<number>();
  for (const line of lines) for (const at of line.x) if (at !== null && (!look.logX || at > 0)) places.add(at);
  const x = [...places].sort((one, other) => one - other);
  const index = new Map(x.map((at, place) => [at, place]));
  const columns: (number | null | undefined)[][] = [];
  for (const line of lines) {
    for (const values of columnsOf(line, look)) {
      const column: (number | null | undefined)[] = new Array<undefined>(x.length).fill(undefined);
      line.x.forEach((at, place) => {
        const to = at === null ? undefined : index.get(at);
        if (to !== undefined) column[to] = values[place] ?? null;
      });
      columns.push(column);
    }
  }
  return { x, columns };
}

export function isShaded(line: Line, look: Look): boolean {
  return look.shade && line.low !== undefined && line.high !== undefined;
}

function columnsOf(line: Line, look: Look): (number | null)[][] {
  const found = [positive(line.y, look.logY) ?? []];
  if (isShaded(line, look)) found.push(positive(line.low, look.logY) ?? [], positive(line.high, look.logY) ?? []);
  if (line.raw) found.push(positive(line.raw, look.logY) ?? []);
  return found;
}

/** Put the points of a later answer in the place of those from its first x on. */
export function follow(earlier: Series, later: Series): Series {
  const from = later.x[0];
  if (from === undefined || from === null) return earlier;
  const kept = earlier.x.findIndex((at) => at !== null && at >= from);
  const end = kept < 0 ? earlier.x.length : kept;
  const join = (one: (number | null)[] | undefined, other: (number | null)[] | undefined, whole: Series, newer: Series) =>
    one || other ? [...(one ?? whole.y).slice(0, end), ...(other ?? newer.y)] : undefined;
  return {
    ...earlier,
    x: [...earlier.x.slice(0, end), ...later.x],
    y: [...earlier.y.slice(0, end), ...later.y],
    low: join(earlier.low, later.low, earlier, later),
    high: join(earlier.high, later.high, earlier, later),
  };
}
