// How a project's page is laid out: kept for the project on the server, or carried in a link. Everything has a default; what is unknown is dropped.

import { SMOOTHINGS, type Smoothing } from "./smoothing";

export interface Sort {
  column: string;
  descending: boolean;
}

export interface Filter {
  column: string;
  is: "=" | "≠" | "<" | ">" | "contains";
  value: string;
}

export const KINDS = ["lines", "bars", "scatter", "parallel", "histogram", "media", "comparer"] as const;
export type Kind = (typeof KINDS)[number];

/** What a bar is: a column's value, or one number out of all that a metric had. */
export const TAKES = ["value", "last", "smallest", "largest", "mean"] as const;
export type Take = (typeof TAKES)[number];

/** A panel that somebody made. What a kind does not need keeps its default. */
export interface OwnPanel {
  id: string;
  kind: Kind;
  /** Empty: named after what it shows. */
  title: string;
  /** lines: metrics. bars: a metric or a column. scatter: the columns of x and y. parallel: columns. histogram: a key. */
  keys: string[];
  /** lines: metrics whose name fits this regular expression are shown too. */
  pattern: string;
  take: Take;
  /** scatter, parallel: the column whose value decides the colour. Empty: each run has its own. */
  colour: string;
  /** histogram: the run. Empty: the first that is shown. */
  run: string;
  /** lines: what x is. Empty: as for all panels. */
  x: string;
  logX: boolean;
  logY: boolean;
  low: number | null;
  high: number | null;
  isWide: boolean;
  height: number;
}

/** What somebody set for the panel of one metric. */
export interface Adjusted {
  name: string;
  /** null: as for all panels. */
  logY: boolean | null;
  low: number | null;
  high: number | null;
  /** Empty: as for all panels. */
  x: string;
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
  adjusted: Adjusted[];
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
  adjusted: [],
  view: "both",
};

export const DEFAULT_PANEL: OwnPanel = {
  id: "",
  kind: "lines",
  title: "",
  keys: [],
  pattern: "",
  take: "last",
  colour: "",
  run: "",
  x: "",
  logX: false,
  logY: false,
  low: null,
  high: null,
  isWide: false,
  height: 0,
};

export const DEFAULT_ADJUSTED: Adjusted = { name: "", logY: null, low: null, high: null, x: "" };

export const HEIGHTS = 3;
const IS = ["=", "≠", "<", ">", "contains"] as const;
const VIEWS = ["both", "table", "charts"] as const;
const LONGEST = 1_000;
const MOST_NAMES = 10_000;
const MOST_PANELS = 100;
const MOST_KEYS = 100;
const MOST_ADJUSTED = 1_000;

/** Take what is known out of what was saved. A link is anybody's: every part has the type, the length and the range that is expected. */
export function understand(saved: unknown): Saved {
  const given = membersOf(saved);
  const sort = membersOf(given["sort"]);
  return {
    smoothing: oneOf(given["smoothing"], SMOOTHINGS.map(([name]) => name), DEFAULT.smoothing),
    amount: within(given["amount"], 0, 100) ?? DEFAULT.amount,
    x: text(given["x"]) || DEFAULT.x,
    logX: truth(given["logX"], DEFAULT.logX),
    logY: truth(given["logY"], DEFAULT.logY),
    shade: truth(given["shade"], DEFAULT.shade),
    columns: texts(given["columns"]) ?? [...DEFAULT.columns],
    sort: text(sort["column"]) ? { column: text(sort["column"]), descending: truth(sort["descending"], false) } : { ...DEFAULT.sort },
    filters: list(given["filters"], MOST_KEYS).flatMap(understandFilter),
    search: text(given["search"]),
    group: text(given["group"]),
    hidden: texts(given["hidden"]) ?? [],
    shown: texts(given["shown"]) ?? [],
    pinned: texts(given["pinned"]) ?? [],
    closed: texts(given["closed"]) ?? [],
    size: whole(given["size"], 0, 3) ?? DEFAULT.size,
    panels: once(list(given["panels"], MOST_PANELS).flatMap(understandPanel), (panel) => panel.id),
    adjusted: once(list(given["adjusted"], MOST_ADJUSTED).flatMap(understandAdjusted), (each) => each.name),
    view: oneOf(given["view"], VIEWS, DEFAULT.view),
  };
}

function understandFilter(saved: unknown): Filter[] {
  const given = membersOf(saved);
  const is = IS.find((each) => each === given["is"]);
  const column = text(given["column"]);
  return is && column && typeof given["value"] === "string" ? [{ column, is, value: text(given["value"]) }] : [];
}

function understandPanel(saved: unknown): OwnPanel[] {
  const given = membersOf(saved);
  const id = text(given["id"]);
  const kind = KINDS.find((each) => each === given["kind"]);
  if (!id || !kind) return [];
  return [
    {
      id,
      kind,
      title: text(given["title"]),
      keys: (texts(given["keys"]) ?? []).slice(0, MOST_KEYS),
      pattern: text(given["pattern"]),
      take: oneOf(given["take"], TAKES, DEFAULT_PANEL.take),
      colour: text(given["colour"]),
      run: text(given["run"]),
      x: text(given["x"]),
      logX: truth(given["logX"], false),
      logY: truth(given["logY"], false),
      low: within(given["low"]),
      high: within(given["high"]),
      isWide: truth(given["isWide"], false),
      height: whole(given["height"], 0, HEIGHTS - 1) ?? 0,
    },
  ];
}

function understandAdjusted(saved: unknown): Adjusted[] {
  const given = membersOf(saved);
  const name = text(given["name"]);
  if (!name) return [];
  const logY = typeof given["logY"] === "boolean" ? given["logY"] : null;
  return [{ name, logY, low: within(given["low"]), high: within(given["high"]), x: text(given["x"]) }];
}

/** The members that something has itself, none where it is no object. */
function membersOf(saved: unknown): Record<string, unknown> {
  return typeof saved === "object" && saved !== null && !Array.isArray(saved) ? Object.assign(Object.create(null), saved) : {};
}

function text(saved: unknown): string {
  return typeof saved === "string" ? saved.slice(0, LONGEST) : "";
}

function truth(saved: unknown, usual: boolean): boolean {
  return typeof saved === "boolean" ? saved : usual;
}

function within(saved: unknown, low = -Infinity, high = Infinity): number | null {
  return typeof saved === "number" && Number.isFinite(saved) ? Math.min(Math.max(saved, low), high) : null;
}

function whole(saved: unknown, low: number, high: number): number | null {
  const found = within(saved, low, high);
  return found === null ? null : Math.round(found);
}

function oneOf<Name extends string>(saved: unknown, names: readonly Name[], usual: Name): Name {
  return names.find((each) => each === saved) ?? usual;
}

function list(saved: unknown, atMost: number): unknown[] {
  return Array.isArray(saved) ? saved.slice(0, atMost) : [];
}

/** Texts, each once: what lists them needs them to differ. null where there is no list. */
function texts(saved: unknown): string[] | null {
  if (!Array.isArray(saved)) return null;
  return [...new Set(saved.slice(0, MOST_NAMES).flatMap((each) => (typeof each === "string" ? [text(each)] : [])))];
}

function once<Item>(items: Item[], nameOf: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [nameOf(item), item])).values()];
}
