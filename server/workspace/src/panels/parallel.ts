// One line a run through upright axes, one a column; a range that is marked on an axis hides the runs outside it. Pure.

import type { Run } from "../wire";
import { type Colouring, keyOf } from "./colouring";
import { type Scale, apart, isWide } from "./scales";
import { scaleOf } from "./scatter";
import { type Box, type Mark, type Scene, type Spot, TEXT, type Theme, circle, cut, label, straight, stroke, through } from "./scene";
import { type Column, nameOf, wordsFor } from "./values";

/** From and to, as shares of the axis. */
export type Range = [number, number];
export type Ranges = Record<string, Range>;

export interface Axis {
  column: Column;
  name: string;
  scale: Scale;
}

const LEAST_RANGE = 0.01;

export function axesOf(columns: Column[], height: number): Axis[] {
  const names = columns.map((column) => column.name);
  return columns.map((column) => {
    const isLog = !column.isText && isWide([...column.of.values()].map(Number));
    const scale = scaleOf(column, isLog, Math.max(2, Math.round(height / 50)), 0.03);
    return { column, name: nameOf(column.name, names) + (isLog ? " (log)" : ""), scale };
  });
}

/** Where on an axis a run is, null where it has nothing there. */
export function shareOf(axis: Axis, run: Run): number | null {
  const value = axis.column.of.get(run.name);
  return value === undefined ? null : axis.scale.place(value);
}

/** Runs that lie in every range; what a run has not lies in none. */
export function kept(runs: Run[], axes: Axis[], ranges: Ranges): Run[] {
  return runs.filter((run) =>
    axes.every((axis) => {
      const range = rangeOf(ranges, axis.column.name);
      if (!range) return true;
      const at = shareOf(axis, run);
      return at !== null && at >= range[0] && at <= range[1];
    }),
  );
}

export function rangeOf(ranges: Ranges, name: string): Range | undefined {
  return Object.hasOwn(ranges, name) ? ranges[name] : undefined;
}

/** The range between two places of a drag; none where they are as good as one. */
export function dragged(from: number, to: number): Range | undefined {
  const [low, high] = [Math.min(from, to), Math.max(from, to)].map((at) => Math.min(Math.max(at, 0), 1)) as Range;
  return high - low < LEAST_RANGE ? undefined : [low, high];
}

/** Move one end of a range by a key; it does not pass the other. A range of the whole axis is none. */
export function nudged(range: Range | undefined, end: 0 | 1, by: number): Range | undefined {
  const [low, high] = range ?? [0, 1];
  const moved: Range = end === 0 ? [Math.min(Math.max(low + by, 0), high - LEAST_RANGE), high] : [low, Math.max(Math.min(high + by, 1), low + LEAST_RANGE)];
  return moved[0] <= 0 && moved[1] >= 1 ? undefined : moved;
}

/** Ranges with one changed; undefined takes it away. */
export function changed(ranges: Ranges, name: string, range: Range | undefined): Ranges {
  const others = Object.entries(ranges).filter(([each]) => each !== name);
  return Object.fromEntries(range ? [...others, [name, range]] : others);
}

export function boxOf(width: number, height: number, colouring: Colouring): Box {
  const margin = Math.min(70, Math.max(46, width * 0.12));
  return { left: margin, top: colouring.name ? 44 : 26, right: width - margin, bottom: height - 12 };
}

export function placeOf(box: Box, at: number, many: number): number {
  return many < 2 ? (box.left + box.right) / 2 : box.left + (at * (box.right - box.left)) / (many - 1);
}

export function drawParallel(runs: Run[], axes: Axis[], ranges: Ranges, colouring: Colouring, width: number, height: number, theme: Theme): Scene {
  const box = boxOf(width, height, colouring);
  const tall = box.bottom - box.top;
  const apartBy = axes.length < 2 ? box.right - box.left : (box.right - box.left) / (axes.length - 1);
  const marks: Mark[] = keyOf(colouring, 4, width - 4, 12, theme);
  const spots: Spot[] = [];
  const shown = kept(runs, axes, ranges);
  for (const run of shown) {
    const points = axes.map((axis, at): [number, number] | null => {
      const share = shareOf(axis, run);
      return share === null ? null : [placeOf(box, at, axes.length), box.bottom - share * tall];
    });
    const colour = colouring.of(run);
    marks.push(stroke(through(points), colour, 1.75, { "stroke-opacity": 0.85 }));
    const detail = axes.map((axis) => {
      const value = axis.column.of.get(run.name);
      return `${axis.name} ${value === undefined ? "nothing" : typeof value === "number" ? wordsFor(axis.column.name)(value) : value}`;
    });
    points.forEach((point, at) => {
      if (!point) return;
      // A line has two ends; a point between two gaps would not be seen.
      if (!points[at - 1] && !points[at + 1]) marks.push(circle(point[0], point[1], 3, colour));
      spots.push({ x: point[0], y: point[1], label: run.displayName, detail: detail.join(", "), colour });
    });
  }
  axes.forEach((axis, at) => {
    const x = placeOf(box, at, axes.length);
    const isLast = at > 0 && at === axes.length - 1;
    marks.push(straight(x, box.top, x, box.bottom, theme.soft));
    const most = Math.max(40, apartBy - 10);
    const anchor = axes.length < 2 ? "middle" : at === 0 ? "start" : isLast ? "end" : "middle";
    const from = anchor === "start" ? 4 : anchor === "end" ? width - 4 : x;
    marks.push(label(from, box.top - 10, cut(axis.name, anchor === "middle" ? most : most / 2 + box.left), theme.ink, { "text-anchor": anchor }));
    const room = at === 0 || isLast ? box.left - 8 : apartBy / 2;
    for (const tick of apart(axis.scale.ticks, (TEXT + 3) / Math.max(1, tall))) {
      const y = box.bottom - tick.at * tall;
      // Labels of the first axis stand outside, as those of the last do.
      const toLeft = at === 0 && axes.length > 1;
      marks.push(
        straight(x - 3, y, x + 3, y, theme.soft),
        label(x + (toLeft ? -6 : 6), y + 4, cut(tick.label, room), theme.soft, {
          "text-anchor": toLeft ? "end" : "start", stroke: theme.paper, "stroke-width": 3, "paint-order": "stroke",
        }),
      );
    }
  });
  const legend = colouring.name ? [] : shown.map((run) => ({ colour: colouring.of(run), label: run.displayName }));
  return { width, height, marks, spots, nearest: "both", legend };
}
