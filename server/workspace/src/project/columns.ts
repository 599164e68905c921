// The columns of the table of runs: what stands in one, for sorting, filtering and showing. `config.lr` and `summary.loss` are columns too.

import type { Filter, Sort } from "../layout.svelte";
import type { Run, Value } from "../wire";
import { ago, duration, value as words } from "../words";

export const OWN: Record<string, string> = {
  state: "State",
  createdAt: "Begun",
  duration: "Duration",
  tags: "Tags",
  notes: "Notes",
  group: "Group",
  jobType: "Job type",
  host: "Machine",
  name: "Id",
};

export function title(column: string): string {
  return OWN[column] ?? column.replace(/^(config|summary)\./, "");
}

/** How long a run took or has taken, in seconds. */
export function length(run: Run): number {
  const told = run.summary["_runtime"];
  return typeof told === "number" ? told : Math.max(0, (run.heartbeatAt ?? run.createdAt) - run.createdAt);
}

/** What somebody logged under a name, never what every object has. */
function own(values: Record<string, Value>, name: string): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

export function valueOf(run: Run, column: string): Value | undefined {
  if (column.startsWith("config.")) return own(run.config, column.slice(7));
  if (column.startsWith("summary.")) return own(run.summary, column.slice(8));
  switch (column) {
    case "displayName":
      return run.displayName;
    case "duration":
      return length(run);
    case "tags":
      return run.tags.join(", ");
    case "state":
    case "createdAt":
    case "notes":
    case "group":
    case "jobType":
    case "host":
    case "name":
      return run[column];
    default:
      return undefined;
  }
}

export function shown(run: Run, column: string, now: number): string {
  if (column === "createdAt") return ago(run.createdAt, now);
  if (column === "duration") return duration(length(run));
  return words(valueOf(run, column));
}

/** Every column that these runs can have, in order. */
export function available(runs: Run[]): string[] {
  const config = new Set<string>();
  const summary = new Set<string>();
  for (const run of runs) {
    for (const key in run.config) config.add(key);
    for (const key in run.summary) if (!key.startsWith("_")) summary.add(key);
  }
  const sorted = (names: Set<string>, prefix: string) => [...names].sort().map((name) => prefix + name);
  return [...Object.keys(OWN), ...sorted(config, "config."), ...sorted(summary, "summary.")];
}

function compare(one: Value | undefined, other: Value | undefined): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

/** Sort runs; those without the value come last either way, and the newest first among equals. */
export function sorted(runs: Run[], sort: Sort): Run[] {
  const keyed = runs.map((run) => ({ run, at: valueOf(run, sort.column) }));
  const isThere = (at: Value | undefined) => at !== undefined && at !== null && !(typeof at === "number" && Number.isNaN(at));
  keyed.sort((one, other) => {
    if (isThere(one.at) !== isThere(other.at)) return isThere(one.at) ? -1 : 1;
    const order = isThere(one.at) ? compare(one.at, other.at) * (sort.descending ? -1 : 1) : 0;
    return order || other.run.number - one.run.number;
  });
  return keyed.map(({ run }) => run);
}

function passes(run: Run, filter: Filter): boolean {
  const at = valueOf(run, filter.column);
  const numbers = typeof at === "number" && filter.value.trim() !== "" && !Number.isNaN(Number(filter.value));
  switch (filter.is) {
    case "contains":
      return words(at).toLowerCase().includes(filter.value.toLowerCase());
    case "=":
      return numbers ? at === Number(filter.value) : String(at ?? "") === filter.value;
    case "≠":
      return numbers ? at !== Number(filter.value) : String(at ?? "") !== filter.value;
    case "<":
      return numbers && (at as number) < Number(filter.value);
    case ">":
      return numbers && (at as number) > Number(filter.value);
  }
}

/** Keep the runs that pass every filter and hold what is searched in their name, id, tags or notes. */
export function chosen(runs: Run[], filters: Filter[], search: string): Run[] {
  const sought = search.trim().toLowerCase();
  return runs.filter((run) => {
    if (sought && ![run.displayName, run.name, run.notes ?? "", ...run.tags].some((text) => text.toLowerCase().includes(sought))) return false;
    return filters.every((filter) => passes(run, filter));
  });
}
