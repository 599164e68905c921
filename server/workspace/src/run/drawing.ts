// A figure as a drawing. Pure.

import { colourOf, rampOf } from "../colours";
import { foot, side, sideWidth } from "../panels/axes";
import { type Scale, extent, numbers, texts } from "../panels/scales";
import { type Box, LETTER, type Mark, type Scene, type Spot, type Theme, circle, cut, label, rect, straight, stroke, through } from "../panels/scene";
import { number } from "../words";
import type { Coordinate, Figure, Grid, Series } from "./figures";

const MOST_SPOTS = 2_000;
const MOST_ENTRIES = 12;
const DATE = /^\d{4}-\d\d-\d\d/;

export function drawFigure(figure: Figure, width: number, height: number, theme: Theme): Scene {
  return figure.grid ? drawGrid(figure, figure.grid, width, height, theme) : drawSeries(figure, width, height, theme);
}

/** Whether what is at hand is numbers, or moments, or names. */
function kindOf(values: Coordinate[]): "number" | "moment" | "name" {
  const known = values.filter((value) => typeof value === "string" || Number.isFinite(value));
  if (known.every((value) => typeof value === "number")) return "number";
  return known.every((value) => typeof value === "string" && DATE.test(value) && Number.isFinite(Date.parse(value))) ? "moment" : "name";
}

/** Names in the order in which they come, not by their letters. */
function named(values: Coordinate[]): Scale {
  const names = [...new Set(values.map(String))];
  const scale = texts(names);
  const index = new Map(names.map((name, at) => [name, (at + 0.5) / names.length]));
  return { ...scale, place: (value) => index.get(String(value)) ?? null, ticks: names.map((name, at) => ({ at: (at + 0.5) / names.length, label: name })) };
}

function axisOf(values: Coordinate[], isLog: boolean, options: { zero?: boolean; room: number; ticks: number }): Scale {
  const kind = kindOf(values);
  if (kind === "name") return named(values);
  if (kind === "number") return numbers(values.map(Number), { isLog, words: number, ...options });
  const day = (moment: number) => new Date(moment).toISOString().slice(0, 16).replace("T", " ").replace(" 00:00", "");
  const scale = numbers(values.map((value) => Date.parse(String(value))), { words: day, ...options });
  return { ...scale, place: (value) => scale.place(Date.parse(String(value))) };
}

function drawSeries(figure: Figure, width: number, height: number, theme: Theme): Scene {
  const { series } = figure;
  const bars = series.filter((each) => each.as === "bars");
  const [xs, ys] = [series.flatMap((each) => each.x), series.flatMap((each) => each.y)];
  const isNamed = kindOf(xs) === "name";
  const down = axisOf(ys, figure.isLogY ?? false, { zero: bars.length > 0, room: bars.length ? 0.02 : 0.05, ticks: Math.max(2, Math.round(height / 45)) });
  const left = Math.max(24, sideWidth(down, width * 0.3));
  const legend = series.length > 1 ? series.map((each, at) => ({ colour: colourOf(at, theme.isDark), label: each.name })) : [];
  const rows = legend.length ? legendMarks(legend, width, theme) : { marks: [], height: 0 };
  const box = { left, top: 22 + rows.height, right: width - 14, bottom: height - 38 };
  const room = bars.length && !isNamed ? 0.5 / Math.max(1, ...bars.map((each) => each.x.length)) + 0.01 : 0.03;
  const across = axisOf(xs, figure.isLogX ?? false, { room, ticks: Math.max(2, Math.round((box.right - left) / 80)) });
  const marks: Mark[] = [
    ...rows.marks,
    ...side(down, box, theme, figure.y),
    ...foot(across, box, theme, figure.x),
  ];
  const spots: Spot[] = [];
  const at = (x: Coordinate, y: Coordinate): [number, number] | null => {
    const [share, rise] = [across.place(x), down.place(y)];
    return share === null || rise === null ? null : [box.left + share * (box.right - box.left), box.bottom - rise * (box.bottom - box.top)];
  };
  const [start, end] = [at(0, 0), at(1, 1)];
  if (figure.diagonal && start && end) marks.push(straight(start[0], start[1], end[0], end[1], theme.soft));
  // Bars lie below lines.
  const order = series.map((each, place) => ({ each, place })).sort((one, other) => Number(other.each.as === "bars") - Number(one.each.as === "bars"));
  order.forEach(({ each, place }) => {
    const colour = colourOf(place, theme.isDark);
    const points = each.x.map((x, index) => at(x, each.y[index] ?? NaN));
    if (each.as === "bars") marks.push(...barMarks(each, bars.indexOf(each), bars.length, points, box, down, colour));
    if (each.as === "line" || each.as === "both") marks.push(stroke(through(points), colour, 1.6));
    if (each.as === "dots" || each.as === "both") for (const point of points) if (point) marks.push(circle(point[0], point[1], 3, colour, { "fill-opacity": 0.8 }));
    points.forEach((point, index) => {
      if (!point || spots.length >= MOST_SPOTS) return;
      spots.push({ x: point[0], y: point[1], label: written(each.x[index]), detail: [legend.length ? each.name : "", written(each.y[index])].filter(Boolean).join(": "), colour });
    });
  });
  return { width, height, marks, spots, nearest: bars.length ? "x" : "both", legend };
}

function written(value: Coordinate | undefined): string {
  return typeof value === "number" ? number(value) : String(value ?? "");
}

function barMarks(series: Series, place: number, many: number, points: ([number, number] | null)[], box: Box, down: Scale, colour: string): Mark[] {
  const wide = ((box.right - box.left) / Math.max(1, new Set(series.x).size)) * 0.8;
  const each = Math.max(1, wide / many);
  const zero = box.bottom - Math.min(1, Math.max(0, down.place(0) ?? 0)) * (box.bottom - box.top);
  return points.flatMap((point) => {
    if (!point) return [];
    const [top, bottom] = [Math.min(point[1], zero), Math.max(point[1], zero)];
    return [rect(point[0] - wide / 2 + place * each, top, Math.max(1, each - 1), Math.max(0.5, bottom - top), colour)];
  });
}

/** What colours mean, in as many lines as it takes. */
function legendMarks(legend: Scene["legend"], width: number, theme: Theme): { marks: Mark[]; height: number } {
  const shown = legend.slice(0, MOST_ENTRIES);
  const marks: Mark[] = [];
  let [x, y] = [4, 10];
  for (const entry of shown) {
    const text = cut(entry.label, Math.min(160, width - 30));
    const wide = 26 + [...text].length * LETTER;
    if (x > 4 && x + wide > width) [x, y] = [4, y + 15];
    marks.push(rect(x, y - 8, 9, 9, entry.colour, { rx: 2 }), label(x + 13, y, text, theme.soft));
    x += wide;
  }
  if (legend.length > shown.length) marks.push(label(x, y, `and ${legend.length - shown.length} more`, theme.soft));
  return { marks, height: y + 6 };
}

function drawGrid(figure: Figure, grid: Grid, width: number, height: number, theme: Theme): Scene {
  const columns = named(grid.columns);
  const plainRows = named(grid.rows);
  const rows = figure.isUpsideDown ? { ...plainRows, ticks: plainRows.ticks.map((tick) => ({ ...tick, at: 1 - tick.at })).reverse() } : plainRows;
  const left = Math.max(24, sideWidth(rows, width * 0.3));
  const box = { left, top: 22, right: width - 14, bottom: height - 38 };
  const [low, high] = extent(grid.cells.flat().filter((value): value is number => value !== null));
  const [wide, tall] = [(box.right - box.left) / Math.max(1, grid.columns.length), (box.bottom - box.top) / Math.max(1, grid.rows.length)];
  const marks: Mark[] = [...side(rows, box, theme, figure.y), ...foot(columns, box, theme, figure.x)];
  const spots: Spot[] = [];
  grid.cells.forEach((row, down) => {
    row.forEach((value, across) => {
      if (value === null) return;
      const share = high > low ? (value - low) / (high - low) : 0.5;
      const [x, y] = [box.left + across * wide, figure.isUpsideDown ? box.top + down * tall : box.bottom - (down + 1) * tall];
      const colour = rampOf(share, theme.isDark);
      marks.push(rect(x, y, wide + 0.3, tall + 0.3, colour));
      if (grid.isCounted && wide > 24 && tall > 18) {
        // On a ground of its own, so that it reads on every colour.
        const text = cut(number(value), wide - 8);
        const room = [...text].length * LETTER + 8;
        marks.push(rect(x + (wide - room) / 2, y + tall / 2 - 8, room, 16, theme.paper, { rx: 3 }), label(x + wide / 2, y + tall / 2 + 4, text, theme.ink, { "text-anchor": "middle" }));
      }
      if (spots.length < MOST_SPOTS) spots.push({ x: x + wide / 2, y: y + tall / 2, label: `${written(grid.rows[down])}, ${written(grid.columns[across])}`, detail: number(value), colour });
    });
  });
  return { width, height, marks, spots, nearest: "both", legend: [] };
}
