// What runs have in a column, as a panel draws it: numbers or texts; the rest is left out and counted.

import { OWN, title, valueOf } from "../project/columns";
import type { Run, Series, Value } from "../wire";
import type { Take } from "../layout.svelte";
import { duration, number } from "../words";

// How clients write what JSON has no number for.
const NO_NUMBERS = new Set(["NaN", "Infinity", "-Infinity", ""]);

export function numberOf(value: Value | undefined): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export interface Column {
  name: string;
  isText: boolean;
  /** By a run's name. */
  of: Map<string, number | string>;
}

/** Read a column. It is of numbers where any run has one there, else of texts. */
export function columnOf(runs: Run[], name: string): Column {
  const found = runs.map((run) => [run.name, valueOf(run, name)] as const);
  const numbers = found.flatMap(([run, value]) => (numberOf(value) === null ? [] : [[run, numberOf(value) as number] as const]));
  if (numbers.length) return { name, isText: false, of: new Map(numbers) };
  const texts = found.flatMap(([run, value]) => {
    const isText = typeof value === "boolean" || (typeof value === "string" && !NO_NUMBERS.has(value));
    return isText ? [[run, String(value)] as const] : [];
  });
  return { name, isText: true, of: new Map(texts) };
}

/** A column's name; config and summary are told apart where both have it. */
export function nameOf(column: string, others: string[] = []): string {
  const short = title(column);
  return others.some((other) => other !== column && title(other) === short) ? column : short;
}

/** How a column's numbers are written. */
export function wordsFor(column: string): (value: number) => string {
  if (column === "createdAt") return (value) => new Date(value * 1000).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
  return column === "duration" || column === "summary._runtime" ? duration : number;
}

/** Columns in groups for a choice; kept: names that stay in it although no run has them. */
export function grouping(columns: string[], kept: string[] = []): [string, string[]][] {
  const all = [...new Set([...columns, ...kept.filter(Boolean)])];
  const groups: [string, string[]][] = [
    ["Config", all.filter((name) => name.startsWith("config."))],
    ["Summary", all.filter((name) => name.startsWith("summary."))],
    ["Run", all.filter((name) => Object.hasOwn(OWN, name))],
  ];
  return groups.filter(([, names]) => names.length);
}

/** One number out of a metric's points. Those of one bucket tell all but the last exactly. */
export function taken(series: Series | undefined, take: Take): number | null {
  if (!series) return null;
  const numbers = (values: (number | null)[] | undefined) => (values ?? []).filter((each): each is number => each !== null && Number.isFinite(each));
  switch (take) {
    case "smallest":
      return numbers(series.low ?? series.y).reduce<number | null>((least, each) => (least === null || each < least ? each : least), null);
    case "largest":
      return numbers(series.high ?? series.y).reduce<number | null>((most, each) => (most === null || each > most ? each : most), null);
    case "mean": {
      const found = numbers(series.y);
      return found.length ? found.reduce((sum, each) => sum + each, 0) / found.length : null;
    }
    default:
      return numbers(series.y).at(-1) ?? null;
  }
}

export interface Compared {
  name: string;
  values: (Value | undefined)[];
  differs: boolean;
}

/** Config and summary of runs side by side: what differs comes first. The client's own are left out. */
export function compared(runs: Run[]): Compared[] {
  const rows: Compared[] = [];
  for (const part of ["config", "summary"] as const) {
    const names = new Set(runs.flatMap((run) => Object.keys(run[part])).filter((name) => part === "config" || !name.startsWith("_")));
    for (const name of [...names].sort()) {
      const values = runs.map((run) => (Object.hasOwn(run[part], name) ? run[part][name] : undefined));
      rows.push({ name: `${part}.${name}`, values, differs: values.some((value) => value !== values[0]) });
    }
  }
  return [...rows.filter((row) => row.differs), ...rows.filter((row) => !row.differs)];
}
