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

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const among = (...all: unknown[]): Check => (value) => all.includes(value);
const like = (shape: Record<string, Check>): Check => (value) =>
  typeof value === "object" && value !== null && Object.entries(shape).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const ONE: Record<string, Check> = {
  smoothing: among("none", "exponential", "gaussian", "average"),
  amount: (value) => typeof value === "number" && value >= 0 && value <= 100,
  x: isText,
  logX: isFlag,
  logY: isFlag,
  shade: isFlag,
  sort: like({ column: isText, descending: isFlag }),
  search: isText,
  group: isText,
  size: among(0, 1, 2, 3),
  view: among("both", "table", "charts"),
};
const EACH: Record<string, Check> = {
  columns: isText,
  filters: like({ column: isText, is: among("=", "≠", "<", ">", "contains"), value: isText }),
  hidden: isText,
  shown: isText,
  pinned: isText,
  closed: isText,
  panels: like({ id: isText, kind: isText, title: isText, keys: (value) => Array.isArray(value) && value.every(isText) }),
};

/** Take what is known out of what was saved: a link may hold anything. Of lists what fits remains, each thing once. */
export function understand(saved: unknown): Saved {
  const given = (typeof saved === "object" && saved !== null ? saved : {}) as Record<string, unknown>;
  const layout = structuredClone(DEFAULT) as unknown as Record<string, unknown>;
  for (const name of Object.keys(DEFAULT)) {
    const value = given[name];
    const check = EACH[name];
    if (check && Array.isArray(value)) {
      const fitting = structuredClone(value.filter(check)) as unknown[];
      layout[name] = [...new Map(fitting.map((each) => [name === "panels" ? (each as OwnPanel).id : JSON.stringify(each), each])).values()];
    } else if (ONE[name]?.(value)) layout[name] = structuredClone(value);
  }
  return layout as unknown as Saved;
}
