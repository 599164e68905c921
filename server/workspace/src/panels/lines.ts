// Lines as marks, for a file: the page draws the same lines on a canvas. Pure.

import { number } from "../words";
import { type XKind, foot, side, sideWidth, tickWords } from "./axes";
import { type Line, type Look, isShaded, spanOf } from "./drawing";
import { numbers } from "./scales";
import { type Mark, type Scene, type Theme, circle, stroke, through } from "./scene";

export function drawLines(lines: Line[], look: Look, kind: XKind, width: number, height: number, theme: Theme): Scene {
  const isX = (at: number | null): at is number => at !== null && Number.isFinite(at) && (!look.logX || at > 0);
  const isY = (value: number | null | undefined): value is number => value !== null && value !== undefined && Number.isFinite(value) && (!look.logY || value > 0);
  const xs = lines.flatMap((line) => line.x.filter(isX));
  const ys = lines.flatMap((line) => [line.y, ...(isShaded(line, look) ? [line.low ?? [], line.high ?? []] : [])].flatMap((values) => values.filter(isY)));
  const [low, high] = spanOf(look, ys.length ? [ys.reduce((least, value) => Math.min(least, value), Infinity), ys.reduce((most, value) => Math.max(most, value), -Infinity)] : [0, 1]);
  const down = numbers([low, high], { isLog: look.logY, words: number, ticks: Math.max(2, Math.round(height / 50)) });
  const box = { left: Math.max(28, sideWidth(down, width * 0.3)), top: 6, right: width - 14, bottom: height - 22 };
  const across = numbers(xs, { isLog: look.logX, words: (at) => tickWords(kind, at), ticks: Math.max(2, Math.round((box.right - box.left) / 90)) });
  const left = (at: number) => box.left + (across.place(at) ?? 0) * (box.right - box.left);
  // Beyond the range that somebody set a line goes on along the edge.
  const top = (value: number) => box.bottom - Math.min(1, Math.max(0, down.place(value) ?? 0)) * (box.bottom - box.top);
  const marks: Mark[] = [...side(down, box, theme), ...foot(across, box, theme)];
  for (const line of lines) {
    const places = line.x.flatMap((at, place) => (isX(at) ? [place] : []));
    const points = (values: (number | null)[] | undefined) => places.map((place): [number, number] | null => {
      const value = values?.[place];
      return isY(value) ? [left(line.x[place] as number), top(value)] : null;
    });
    if (isShaded(line, look)) {
      const upper = points(line.high).filter((point) => point !== null);
      const lower = points(line.low).filter((point) => point !== null);
      if (upper.length) marks.push({ tag: "path", is: { d: `${through([...upper, ...lower.reverse()])}Z`, fill: line.colour, "fill-opacity": 0.18 } });
    }
    if (line.raw) marks.push(stroke(through(points(line.raw)), line.colour, 1, { "stroke-opacity": 0.25 }));
    const found = points(line.y);
    const there = found.filter((point) => point !== null);
    if (there.length === 1 && there[0]) marks.push(circle(there[0][0], there[0][1], 3, line.colour));
    else marks.push(stroke(through(found), line.colour, 1.75));
  }
  return { width, height, marks, spots: [], nearest: "both", legend: lines.map(({ colour, label }) => ({ colour, label })) };
}
