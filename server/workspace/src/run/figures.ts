// Figures that were logged, read into one shape: custom charts of tables, and Plotly's of the kinds that are drawn here. Pure.

import type { CustomChart, Tree } from "../wire";
import { isFields } from "./media";
import type { Table } from "./tables";

export type Coordinate = number | string;

export interface Series {
  name: string;
  as: "line" | "dots" | "both" | "bars";
  x: Coordinate[];
  y: Coordinate[];
}

export interface Grid {
  columns: Coordinate[];
  rows: Coordinate[];
  /** By row, then column. */
  cells: (number | null)[][];
  /** Whether numbers stand in it. */
  isCounted: boolean;
}

export interface Figure {
  title: string;
  x: string;
  y: string;
  series: Series[];
  grid?: Grid;
  isLogX?: boolean;
  isLogY?: boolean;
  /** Rows from the top down. */
  isUpsideDown?: boolean;
  /** A line from corner to corner, to hold the others against. */
  diagonal?: boolean;
  /** What of it is not drawn, in a sentence. */
  left?: string;
}

const MOST_POINTS = 20_000;
const BINS = 20;

/** Draw a table by what `wandb.plot` said of it; words where that is nothing known here. */
export function figureOfChart(chart: CustomChart, key: string, table: Table): Figure | string {
  const words = chart.words;
  const column = (part: string): Coordinate[] | undefined => {
    const at = table.columns.indexOf(chart.columns[part] ?? "");
    return at < 0 ? undefined : table.rows.slice(0, MOST_POINTS).map((row) => coordinate(row[at]));
  };
  const base = { title: words["title"] || key, x: words["x-axis-title"] ?? chart.columns["x"] ?? "", y: words["y-axis-title"] ?? chart.columns["y"] ?? "", series: [] };
  const more = table.rows.length > MOST_POINTS ? { left: `The first ${MOST_POINTS.toLocaleString("en-US")} of ${table.rows.length.toLocaleString("en-US")} rows.` } : {};
  const missing = `Its table lacks a column that the chart is made of.`;
  switch (chart.kind.replace(/\/v\d+$/, "")) {
    case "wandb/line":
    case "wandb/area-under-curve": {
      const [x, y] = [column("x"), column("y")];
      if (!x || !y) return missing;
      const isCurve = chart.kind.includes("area-under-curve");
      const by = column(isCurve ? "class" : "stroke") ?? column("lineKey");
      return { ...base, ...more, series: split(x, y, by, "line", base.y), diagonal: isCurve && chart.columns["x"] === "fpr" };
    }
    case "wandb/lineseries": {
      const [x, y] = [column("step"), column("lineVal")];
      if (!x || !y) return missing;
      return { ...base, ...more, x: words["xname"] ?? "x", y: "", series: split(x, y, column("lineKey"), "line", "") };
    }
    case "wandb/scatter": {
      const [x, y] = [column("x"), column("y")];
      return x && y ? { ...base, ...more, series: [{ name: base.y, as: "dots", x, y }] } : missing;
    }
    case "wandb/bar": {
      const [x, y] = [column("label"), column("value")];
      return x && y ? { ...base, ...more, x: chart.columns["label"] ?? "", y: chart.columns["value"] ?? "", series: [{ name: chart.columns["value"] ?? "", as: "bars", x: x.map(String), y }] } : missing;
    }
    case "wandb/histogram": {
      const values = column("value")?.filter((value): value is number => typeof value === "number" && Number.isFinite(value));
      return values ? { ...base, ...more, x: chart.columns["value"] ?? "", y: "count", series: [binned(values, "count")] } : missing;
    }
    case "wandb/confusion_matrix": {
      const [actual, predicted, count] = [column("Actual"), column("Predicted"), column("nPredictions")];
      if (!actual || !predicted || !count) return missing;
      return { ...base, ...more, x: "Predicted", y: "Actual", grid: crossed(predicted, actual, count), isUpsideDown: true };
    }
  }
  return `It is drawn by the specification ${chart.kind}, which is kept elsewhere.`;
}

function coordinate(value: Tree | undefined): Coordinate {
  return typeof value === "number" ? value : value === null || value === undefined ? NaN : typeof value === "string" ? value : JSON.stringify(value);
}

/** One line for each value of a column, in the order in which they come. */
function split(x: Coordinate[], y: Coordinate[], by: Coordinate[] | undefined, as: Series["as"], name: string): Series[] {
  if (!by) return [{ name, as, x, y }];
  const found = new Map<string, Series>();
  by.forEach((each, at) => {
    const series = found.get(String(each)) ?? { name: String(each), as, x: [], y: [] };
    found.set(series.name, series);
    series.x.push(x[at] ?? NaN);
    series.y.push(y[at] ?? NaN);
  });
  return [...found.values()];
}

export function binned(values: number[], name: string, wanted = BINS): Series {
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  const step = (high - low) / wanted || 1;
  const counts = Array.from({ length: wanted }, () => 0);
  for (const value of values) {
    const at = Math.min(wanted - 1, Math.floor((value - low) / step));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return { name, as: "bars", x: values.length ? counts.map((_, at) => low + (at + 0.5) * step) : [], y: values.length ? counts : [] };
}

function crossed(across: Coordinate[], down: Coordinate[], count: Coordinate[]): Grid {
  const [columns, rows] = [[...new Set(across)], [...new Set(down)]];
  const cells = rows.map(() => columns.map((): number | null => null));
  count.forEach((many, at) => {
    const row = cells[rows.indexOf(down[at] ?? "")];
    if (row) row[columns.indexOf(across[at] ?? "")] = Number(many);
  });
  return { columns, rows, cells, isCounted: true };
}

/** Read a figure of Plotly's as far as it is drawn here; words where nothing of it is. */
export function figureOfPlotly(text: string): Figure | string {
  let told: Tree;
  try {
    told = JSON.parse(text) as Tree;
  } catch {
    return "This figure could not be read.";
  }
  if (!isFields(told) || !Array.isArray(told["data"])) return "This figure could not be read.";
  const layout = isFields(told["layout"]) ? told["layout"] : {};
  const [across, down] = [layout["xaxis"], layout["yaxis"]].map((axis) => (isFields(axis) ? axis : {}));
  const figure: Figure = { title: titled(layout["title"]), x: titled(across?.["title"]), y: titled(down?.["title"]), series: [], isLogX: across?.["type"] === "log", isLogY: down?.["type"] === "log" };
  const other: string[] = [];
  let points = 0;
  for (const trace of told["data"]) {
    if (!isFields(trace)) continue;
    const type = typeof trace["type"] === "string" ? trace["type"] : "scatter";
    const name = typeof trace["name"] === "string" ? trace["name"] : `trace ${figure.series.length + 1}`;
    const [x, y] = [listOf(trace["x"]), listOf(trace["y"])];
    points += Math.max(x?.length ?? 0, y?.length ?? 0);
    if (points > MOST_POINTS || "xaxis" in trace && trace["xaxis"] !== "x" || "yaxis" in trace && trace["yaxis"] !== "y") other.push(`${type} “${name}”`);
    else if ((type === "scatter" || type === "scattergl") && (x || y)) {
      const mode = typeof trace["mode"] === "string" ? trace["mode"] : (y ?? []).length < 20 ? "lines+markers" : "lines";
      const [hasLine, hasDots] = [mode.includes("lines"), mode.includes("markers")];
      figure.series.push({ name, as: hasLine && hasDots ? "both" : hasDots ? "dots" : "line", ...paired(x, y) });
    } else if (type === "bar" && (x || y) && trace["orientation"] !== "h") {
      figure.series.push({ name, as: "bars", ...paired(x, y) });
    } else if (type === "histogram" && x) {
      figure.series.push(binned(x.filter((each): each is number => typeof each === "number" && Number.isFinite(each)), name));
      figure.y ||= "count";
    } else if (type === "heatmap" && !figure.grid && matrixOf(trace["z"])) {
      const cells = matrixOf(trace["z"]) ?? [];
      const wide = Math.max(0, ...cells.map((row) => row.length));
      figure.grid = { columns: x ?? Array.from({ length: wide }, (_, at) => at), rows: y ?? cells.map((_, at) => at), cells, isCounted: wide * cells.length <= 400 };
    } else other.push(`${type} “${name}”`);
  }
  // A grid has axes of its own.
  if (figure.grid) figure.series = [];
  if (!figure.grid && !figure.series.length) return other.length ? `Figures of this kind are not drawn here (${other[0]?.split(" ")[0]}).` : "This figure holds nothing.";
  if (other.length) figure.left = `Not drawn here: ${other.slice(0, 3).join(", ")}${other.length > 3 ? ` and ${other.length - 3} more` : ""}.`;
  return figure;
}

function titled(tree: Tree | undefined): string {
  const text = isFields(tree) ? tree["text"] : tree;
  return typeof text === "string" ? text.replace(/<[^>]*>/g, " ").trim() : "";
}

function paired(x: Coordinate[] | undefined, y: Coordinate[] | undefined): { x: Coordinate[]; y: Coordinate[] } {
  const length = x && y ? Math.min(x.length, y.length) : (x ?? y ?? []).length;
  const numbered = Array.from({ length }, (_, at) => at);
  return { x: (x ?? numbered).slice(0, length), y: (y ?? numbered).slice(0, length) };
}

function listOf(tree: Tree | undefined): Coordinate[] | undefined {
  if (Array.isArray(tree)) return tree.map(coordinate);
  return isFields(tree) ? unpacked(tree)?.values : undefined;
}

function matrixOf(tree: Tree | undefined): (number | null)[][] | undefined {
  const numeric = (value: Tree | undefined) => (typeof value === "number" && Number.isFinite(value) ? value : null);
  if (Array.isArray(tree)) return tree.every(Array.isArray) ? (tree as Tree[][]).map((row) => row.map(numeric)) : undefined;
  const found = isFields(tree) ? unpacked(tree) : undefined;
  const [rows = 0, columns = 0] = found?.shape ?? [];
  if (!found || rows * columns !== found.values.length || !columns) return undefined;
  return Array.from({ length: rows }, (_, row) => found.values.slice(row * columns, (row + 1) * columns).map(numeric));
}

const READERS: Record<string, [number, (view: DataView, at: number) => number]> = {
  i1: [1, (view, at) => view.getInt8(at)],
  u1: [1, (view, at) => view.getUint8(at)],
  i2: [2, (view, at) => view.getInt16(at, true)],
  u2: [2, (view, at) => view.getUint16(at, true)],
  i4: [4, (view, at) => view.getInt32(at, true)],
  u4: [4, (view, at) => view.getUint32(at, true)],
  f4: [4, (view, at) => view.getFloat32(at, true)],
  f8: [8, (view, at) => view.getFloat64(at, true)],
};

/** An array as Plotly packs it: the name of its type, its bytes in base64, and its shape where it has more than one dimension. */
function unpacked(tree: Record<string, Tree>): { values: number[]; shape: number[] } | undefined {
  const reader = typeof tree["dtype"] === "string" ? READERS[tree["dtype"]] : undefined;
  if (!reader || typeof tree["bdata"] !== "string") return undefined;
  try {
    const bytes = Uint8Array.from(atob(tree["bdata"]), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const values = Array.from({ length: Math.floor(bytes.length / reader[0]) }, (_, at) => reader[1](view, at * reader[0]));
    return { values, shape: typeof tree["shape"] === "string" ? tree["shape"].split(",").map(Number) : [] };
  } catch {
    return undefined;
  }
}
