// The kinds of own panels in words, and what a panel of one is called.

import type { Kind, OwnPanel, Take } from "../layout.svelte";
import type { Run } from "../wire";
import { nameOf } from "./values";

export const KIND_WORDS: Record<Kind, string> = {
  lines: "Lines: metrics over x",
  bars: "Bars: one number a run",
  scatter: "Scatter: one value over another",
  parallel: "Parallel coordinates: several values at once",
  histogram: "Histogram over time: a heat map",
  media: "Images, tables and other media of several runs",
  comparer: "Run comparer: a table of values",
};

export const TAKE_WORDS: Record<Take, string> = {
  last: "The last value of a metric",
  smallest: "The smallest value of a metric",
  largest: "The largest value of a metric",
  mean: "The mean of a metric",
  value: "A value of config or summary",
};

/** The kinds that can be saved as SVG. */
export const AS_SVG: readonly Kind[] = ["lines", "bars", "scatter", "parallel"];

/** The title that somebody gave, else one that says what is shown. */
export function titleOf(panel: OwnPanel): string {
  if (panel.title.trim()) return panel.title;
  const names = panel.keys.map((key) => nameOf(key, panel.keys));
  switch (panel.kind) {
    case "lines":
      return [...panel.keys, ...(panel.pattern ? [`/${panel.pattern}/`] : [])].join(", ") || "Lines";
    case "bars": {
      const [key] = panel.keys;
      if (!key) return "Bars";
      return panel.take === "value" ? nameOf(key) : panel.take === "last" ? key : `${key}, ${panel.take}`;
    }
    case "scatter":
      return names[0] && names[1] ? `${names[1]} over ${names[0]}` : "Scatter";
    case "parallel":
      return names.join(", ") || "Parallel coordinates";
    case "histogram":
      return panel.keys[0] || "Histogram";
    case "media":
      return panel.keys[0] || "Media";
    case "comparer":
      return "Runs compared";
  }
}

/** The type of a key that is media with files in a run's summary, where it stands in brackets; none for anything else. */
export function mediumOf(run: Run, key: string): string | undefined {
  const value = Object.hasOwn(run.summary, key) ? run.summary[key] : undefined;
  return typeof value === "string" ? /^\[([\w/-]+-file|images\/separated|audio|videos|html|object3D|molecule)\]$/.exec(value)?.[1] : undefined;
}

/** Move a panel among others by so many places. */
export function moved<Item>(items: Item[], from: number, to: number): Item[] {
  const left = items.filter((_, at) => at !== from);
  const item = items[from];
  return item === undefined ? items : [...left.slice(0, Math.max(0, to)), item, ...left.slice(Math.max(0, to))];
}
