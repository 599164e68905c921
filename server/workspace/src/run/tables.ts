// A table that was logged: what is in it, its rows in an order, a cell in words. Pure.

import type { Tree } from "../wire";
import { isFields } from "./media";

export interface Table {
  columns: string[];
  rows: Tree[][];
}

/** What stands in a run's own file of a table in the place of media, which the artifact of the table holds. */
const STANDS_FOR = new Set(["Image", "Html", "Audio", "Video", "Object3D", "Molecule", "Plotly", "Bokeh"]);

export function hasMedia(table: Table): boolean {
  return table.rows.slice(0, 100).some((row) => row.some((cell) => typeof cell === "string" && STANDS_FOR.has(cell)));
}

/** Where the artifact holds a table: the client's own name for it, and the path in it. */
export function heldAt(value: Tree | undefined): { clientId: string; path: string } | undefined {
  const found = typeof value === "string" ? /^wandb-client-artifact:\/\/(\w+)(?::\w+)?\/(.+)$/.exec(value) : null;
  return found?.[1] && found[2] ? { clientId: found[1], path: found[2] } : undefined;
}

/** Read a table's file; nothing where it is none. */
export function tableOf(text: string): Table | undefined {
  const told = read(text) ?? read(text.replace(/"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)/g, (each) => (each.startsWith('"') ? each : `"${each}"`)));
  if (!isFields(told) || !Array.isArray(told["columns"]) || !Array.isArray(told["data"])) return undefined;
  return { columns: told["columns"].map(String), rows: told["data"].filter(Array.isArray) as Tree[][] };
}

/** What is not finite is written as JavaScript does by some, which JSON does not know. */
function read(text: string): Tree | undefined {
  try {
    return JSON.parse(text) as Tree;
  } catch {
    return undefined;
  }
}

/** Put tables of the same columns below one another. */
export function joined(tables: Table[]): Table | undefined {
  const [first] = tables;
  return first && { columns: first.columns, rows: tables.flatMap((each) => each.rows) };
}

/** Numbers by their size before texts by their letters; what is empty comes last, either way round. */
export function sorted(rows: Tree[][], column: number, isDown: boolean): Tree[][] {
  const way = isDown ? -1 : 1;
  const rank = (value: Tree | undefined) => (value === null || value === undefined ? 2 : typeof value === "number" ? 0 : 1);
  return [...rows].sort((one, other) => {
    const [a, b] = [one[column], other[column]];
    const [left, right] = [rank(a), rank(b)];
    if (left === 2 || right === 2) return left - right;
    if (left !== right) return way * (left - right);
    return way * (left === 0 ? Number(a) - Number(b) : words(a).localeCompare(words(b), "en", { numeric: true }));
  });
}

export function words(value: Tree | undefined): string {
  if (value === null || value === undefined) return "";
  if (isFields(value) && typeof value["_type"] === "string") {
    const named = value["path"] ?? value["caption"] ?? "";
    return `${value["_type"].replace(/-file$/, "")} ${typeof named === "string" ? (named.split("/").at(-1) ?? "") : ""}`.trim();
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
