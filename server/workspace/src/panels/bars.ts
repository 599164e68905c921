// One bar a run, the greatest value at the top. Pure.

import { apart, numbers } from "./scales";
import { type Mark, type Scene, LETTER, type Theme, cut, label, rect, straight } from "./scene";

export interface Bar {
  label: string;
  colour: string;
  value: number;
}

const THINNEST = 17;
const THICKEST = 34;
const HEAD = 4;
const FOOT = 22;

export function drawBars(bars: Bar[], width: number, least: number, theme: Theme, words: (value: number) => string): Scene {
  const sorted = [...bars].sort((one, other) => other.value - one.value);
  const row = Math.min(THICKEST, Math.max(THINNEST, (least - HEAD - FOOT) / Math.max(1, sorted.length)));
  const height = Math.max(least, HEAD + FOOT + row * sorted.length);
  const longest = (texts: string[]) => 10 + LETTER * Math.max(1, ...texts.map((text) => [...text].length));
  const left = Math.min(width * 0.36, longest(sorted.map((bar) => bar.label)));
  const right = width - Math.min(width * 0.3, longest(sorted.map((bar) => words(bar.value))));
  const scale = numbers(sorted.map((bar) => bar.value), { words, zero: true, ticks: Math.max(2, Math.round((right - left) / 90)) });
  const across = (value: number) => left + (scale.place(value) ?? 0) * (right - left);
  const bottom = HEAD + row * sorted.length;
  const marks: Mark[] = [];
  for (const tick of apart(scale.ticks, 50 / Math.max(1, right - left))) {
    const x = left + tick.at * (right - left);
    marks.push(straight(x, HEAD, x, bottom, theme.edge), label(x, bottom + 15, tick.label, theme.soft, { "text-anchor": "middle" }));
  }
  const spots = sorted.map((bar, at) => {
    const y = HEAD + at * row;
    const [from, to] = [across(Math.min(0, bar.value)), across(Math.max(0, bar.value))];
    marks.push(
      label(left - 7, y + row / 2 + 4, cut(bar.label, left - 8), theme.ink, { "text-anchor": "end" }),
      // A bar of nothing is seen to be there.
      rect(from, y + row * 0.14, Math.max(1, to - from), row * 0.72, bar.colour, { rx: 2 }),
      label(width - 2, y + row / 2 + 4, words(bar.value), theme.ink, { "text-anchor": "end" }),
    );
    return { x: to, y: y + row / 2, label: bar.label, detail: words(bar.value), colour: bar.colour };
  });
  marks.push(straight(across(0), HEAD, across(0), bottom, theme.soft));
  return { width, height, marks, spots, nearest: "y", legend: [] };
}
