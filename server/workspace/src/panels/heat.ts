// Histograms by step as a grid: how large a share of the values lay where, and when. Pure.

import type { Medium, Tree } from "../wire";
import { number } from "../words";
import { foot, side, sideWidth } from "./axes";
import { numbers } from "./scales";
import { type Scene, type Theme } from "./scene";

export interface Histogram {
  step: number;
  /** One more than there are counts, rising. */
  edges: number[];
  counts: number[];
}

export interface Grid {
  first: number;
  last: number;
  low: number;
  high: number;
  /** By column of steps, then by row from the lowest values up: the share of a histogram that lies there. */
  columns: { step: number; shares: number[] }[];
  most: number;
}

const ROWS = 60;
const MOST_COLUMNS = 240;

/** Read a histogram as clients log them; nothing where it is none. */
export function histogramOf({ step, value }: Medium): Histogram[] {
  const counts = listOf(value["values"]);
  const packed = value["packedBins"];
  let edges = listOf(value["bins"]);
  if (counts && typeof packed === "object" && packed !== null && !Array.isArray(packed)) {
    const [least, size] = [Number(packed["min"]), Number(packed["size"])];
    edges = Array.from({ length: counts.length + 1 }, (_, at) => least + at * size);
  }
  if (!counts?.length || edges?.length !== counts.length + 1 || !Number.isFinite(step)) return [];
  const isFit = counts.every((count) => Number.isFinite(count) && count >= 0) && edges.every((edge, at) => Number.isFinite(edge) && (at === 0 || edge >= (edges[at - 1] ?? edge)));
  return isFit && counts.some((count) => count > 0) ? [{ step, edges, counts }] : [];
}

function listOf(tree: Tree | undefined): number[] | undefined {
  return Array.isArray(tree) ? tree.map((each) => (typeof each === "number" ? each : NaN)) : undefined;
}

/** Put histograms of different edges and uneven steps on one grid: a column shows what was logged last before it. */
export function gridOf(histograms: Histogram[]): Grid | undefined {
  const sorted = [...histograms].sort((one, other) => one.step - other.step);
  const first = sorted[0]?.step;
  const end = sorted.at(-1)?.step;
  if (first === undefined || end === undefined) return undefined;
  let [low, high] = [Infinity, -Infinity];
  for (const { edges, counts } of sorted) {
    counts.forEach((count, at) => {
      if (count > 0) [low, high] = [Math.min(low, edges[at] ?? low), Math.max(high, edges[at + 1] ?? high)];
    });
  }
  // All values were the same.
  if (low === high) [low, high] = [low - (Math.abs(low) * 0.5 || 0.5), high + (Math.abs(high) * 0.5 || 0.5)];
  const last = end + (sorted.length > 1 ? (end - first) / (sorted.length - 1) || 1 : 1);
  const many = Math.min(MOST_COLUMNS, sorted.length);
  let [at, most] = [0, 0];
  const columns = Array.from({ length: many }, (_, column) => {
    const middle = first + ((column + 0.5) * (last - first)) / many;
    while (at + 1 < sorted.length && (sorted[at + 1]?.step ?? Infinity) <= middle) at++;
    const histogram = sorted[at] as Histogram;
    const shares = sharesOf(histogram, low, high);
    most = Math.max(most, ...shares);
    return { step: histogram.step, shares };
  });
  return { first, last, low, high, columns, most };
}

/** Spread each bin's count evenly over the rows that it covers. */
function sharesOf({ edges, counts }: Histogram, low: number, high: number): number[] {
  const shares = new Array<number>(ROWS).fill(0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const row = (value: number) => Math.min(ROWS, Math.max(0, ((value / 2 - low / 2) / (high / 2 - low / 2)) * ROWS));
  counts.forEach((count, at) => {
    if (!count) return;
    const [from, to] = [row(edges[at] ?? 0), row(edges[at + 1] ?? 0)];
    const begin = Math.min(ROWS - 1, Math.floor(from));
    for (let place = begin; place <= Math.min(ROWS - 1, Math.ceil(to) - 1) || place === begin; place++) {
      const overlap = to > from ? (Math.min(to, place + 1) - Math.max(from, place)) / (to - from) : 1;
      shares[place] = (shares[place] ?? 0) + (count / total) * overlap;
    }
  });
  return shares;
}

/** How strong a cell is drawn: small shares are seen beside large ones. */
export function strength(share: number, most: number): number {
  return most > 0 ? Math.sqrt(share / most) : 0;
}

/** picture: the grid, a cell a pixel, as an address. */
export function drawHeat(grid: Grid, picture: string, colour: string, width: number, height: number, theme: Theme, key: string): Scene {
  const down = numbers([grid.low, grid.high], { words: number, ticks: Math.max(2, Math.round(height / 45)) });
  const box = { left: Math.max(24, sideWidth(down, width * 0.3)), top: 24, right: width - 14, bottom: height - 38 };
  const across = numbers([grid.first, grid.last], { words: number, ticks: Math.max(2, Math.round((box.right - box.left) / 80)) });
  const [wide, tall] = [box.right - box.left, box.bottom - box.top];
  const spots = grid.columns.map(({ step, shares }, column) => {
    const fullest = shares.indexOf(Math.max(...shares));
    const edge = (row: number) => number(grid.low + ((grid.high - grid.low) * row) / ROWS);
    return {
      x: box.left + ((column + 0.5) / grid.columns.length) * wide,
      y: box.bottom - ((fullest + 0.5) / ROWS) * tall,
      label: `Step ${number(step)}`,
      detail: `most between ${edge(fullest)} and ${edge(fullest + 1)}: ${Math.round((shares[fullest] ?? 0) * 100)} %`,
      colour,
    };
  });
  const image = { x: box.left, y: box.top, width: wide, height: tall, href: picture, preserveAspectRatio: "none", "image-rendering": "pixelated" };
  return {
    width,
    height,
    marks: [...side(down, box, theme, key), ...foot(across, box, theme, "Step"), { tag: "image", is: image }],
    spots,
    nearest: "x",
    legend: [],
  };
}
