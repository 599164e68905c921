// One dot a run, at the values that it has in two columns. Pure.

import type { Run } from "../wire";
import { foot, side, sideWidth } from "./axes";
import { type Colouring, keyOf } from "./colouring";
import { type Scale, numbers, texts } from "./scales";
import { type Scene, type Spot, type Theme, circle } from "./scene";
import { type Column, nameOf, wordsFor } from "./values";

export interface Scattered {
  x: Column;
  y: Column;
  logX: boolean;
  logY: boolean;
  colouring: Colouring;
}

/** Runs that have a place on both axes. */
export function placed(runs: Run[], { x, y, logX, logY }: Scattered): Run[] {
  const isThere = (column: Column, isLog: boolean, run: Run) => {
    const value = column.of.get(run.name);
    return value !== undefined && (column.isText || !isLog || Number(value) > 0);
  };
  return runs.filter((run) => isThere(x, logX, run) && isThere(y, logY, run));
}

/** An axis for a column. */
export function scaleOf(column: Column, isLog: boolean, ticks: number, room = 0.05): Scale {
  const values = [...column.of.values()];
  return column.isText ? texts(values.map(String)) : numbers(values.map(Number), { isLog, room, words: wordsFor(column.name), ticks });
}

export function drawScatter(runs: Run[], what: Scattered, width: number, height: number, theme: Theme): Scene {
  const { x, y, colouring } = what;
  const shown = placed(runs, what);
  const only = (column: Column) => ({ ...column, of: new Map([...column.of].filter(([name]) => shown.some((run) => run.name === name))) });
  const down = scaleOf(only(y), what.logY, Math.max(2, Math.round(height / 45)));
  const left = Math.max(24, sideWidth(down, width * 0.3));
  const box = { left, top: colouring.name ? 40 : 24, right: width - 14, bottom: height - 38 };
  const across = scaleOf(only(x), what.logX, Math.max(2, Math.round((box.right - left) / 80)));
  const names = [x.name, y.name];
  const marks = [
    ...keyOf(colouring, 4, width - 4, 12, theme),
    ...side(down, box, theme, nameOf(y.name, names) + (down.isLog ? " (log)" : "")),
    ...foot(across, box, theme, nameOf(x.name, names) + (across.isLog ? " (log)" : "")),
  ];
  const spots: Spot[] = [];
  for (const run of shown) {
    const [valueX, valueY] = [x.of.get(run.name) ?? "", y.of.get(run.name) ?? ""];
    const at = { x: box.left + (across.place(valueX) ?? 0) * (box.right - box.left), y: box.bottom - (down.place(valueY) ?? 0) * (box.bottom - box.top) };
    const colour = colouring.of(run);
    marks.push(circle(at.x, at.y, 5, colour, { stroke: theme.paper, "stroke-width": 1 }));
    const write = (column: Column, value: number | string) => `${nameOf(column.name, names)} ${typeof value === "number" ? wordsFor(column.name)(value) : value}`;
    const third = colouring.name ? `, ${colouring.name} ${colouring.words(run)}` : "";
    spots.push({ ...at, label: run.displayName, detail: `${write(x, valueX)}, ${write(y, valueY)}${third}`, colour });
  }
  const legend = colouring.name ? [] : shown.map((run) => ({ colour: colouring.of(run), label: run.displayName }));
  return { width, height, marks, spots, nearest: "both", legend };
}
