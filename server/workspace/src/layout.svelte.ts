// How a project's page is laid out: kept for the project on the server, or carried in a link. Everything has a default; what is unknown is dropped.

import type { Smoothing } from "./smoothing";

export interface Sort {
  column: string;
  descending: boolean;
}

export interface Filter {
  column: string;
  is: "=" | "≠" | "<" | ">" | "contains";
  value: string;
}

export interface OwnPanel {
  id: string;
  kind: "lines" | "bars" | "scatter";
  title: string;
  keys: string[];
}

export interface Saved {
  smoothing: Smoothing;
  amount: number;
  x: string;
  logX: boolean;
  logY: boolean;
  shade: boolean;
  columns: string[];
  sort: Sort;
  filters: Filter[];
  search: string;
  group: string;
  hidden: string[];
  shown: string[];
  pinned: string[];
  closed: string[];
  size: number;
  panels: OwnPanel[];
  view: "both" | "table" | "charts";
}

export const DEFAULT: Saved = {
  smoothing: "none",
  amount: 0.6,
  x: "_step",
  logX: false,
  logY: false,
  shade: true,
  columns: ["state", "createdAt", "duration"],
  sort: { column: "createdAt", descending: true },
  filters: [],
  search: "",
  group: "",
  hidden: [],
  shown: [],
  pinned: [],
  closed: [],
  size: 2,
  panels: [],
  view: "both",
};

/** Take what is known out of what was saved; types decide. */
export function understand(saved: unknown): Saved {
  const given = (typeof saved === "object" && saved !== null ? saved : {}) as Record<string, unknown>;
  const layout = structuredClone(DEFAULT) as unknown as Record<string, unknown>;
  for (const [name, usual] of Object.entries(DEFAULT)) {
    const value = given[name];
    if (value === undefined || typeof value !== typeof usual || Array.isArray(value) !== Array.isArray(usual)) continue;
    if (Array.isArray(value) && ["columns", "hidden", "shown", "pinned", "closed"].includes(name) && !value.every((each) => typeof each === "string")) continue;
    layout[name] = structuredClone(value);
  }
  return layout as unknown as Saved;
}
