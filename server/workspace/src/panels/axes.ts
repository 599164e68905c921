// Axes of a drawing: their lines, and what is written beside them. Pure.

import { duration, number } from "../words";
import { type Scale, apart } from "./scales";
import { type Box, LETTER, type Mark, TEXT, type Theme, cut, label, straight } from "./scene";

/** How x is written: a number, seconds since the start, or a moment. */
export type XKind = "number" | "seconds" | "moment";

export function kindOf(x: string): XKind {
  return x === "_runtime" ? "seconds" : x === "_timestamp" ? "moment" : "number";
}

/** An x beside its axis, in few letters. */
export function tickWords(kind: XKind, at: number): string {
  if (kind === "number") return Math.abs(at) >= 10_000 ? compact(at) : number(at);
  return kind === "seconds" ? (at < 10 && at % 1 ? `${number(at)} s` : duration(at).replace(/ 0 [sm]$/, "")) : new Date(at * 1000).toLocaleTimeString();
}

/** An x alone, in full. */
export function xWords(kind: XKind, at: number): string {
  if (kind === "seconds") return duration(at);
  return kind === "moment" ? new Date(at * 1000).toLocaleString() : number(at);
}

function compact(at: number): string {
  return new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 }).format(at);
}

/** How wide the labels of an axis at the side are. */
export function sideWidth(scale: Scale, atMost: number): number {
  return Math.min(atMost, 10 + LETTER * Math.max(1, ...scale.ticks.map((tick) => tick.label.length)));
}

export function side(scale: Scale, box: Box, theme: Theme, title = ""): Mark[] {
  const tall = box.bottom - box.top;
  const marks = apart(scale.ticks, (TEXT + 3) / Math.max(1, tall)).flatMap((tick) => {
    const y = box.bottom - tick.at * tall;
    return [straight(box.left, y, box.right, y, theme.edge), label(box.left - 6, y + 4, cut(tick.label, box.left - 8), theme.soft, { "text-anchor": "end" })];
  });
  if (title) marks.push(label(4, box.top - 8, cut(title, box.right), theme.ink));
  return marks;
}

export function foot(scale: Scale, box: Box, theme: Theme, title = ""): Mark[] {
  const wide = box.right - box.left;
  const room = Math.max(30, Math.min(110, LETTER * Math.max(1, ...scale.ticks.map((tick) => tick.label.length)) + 10));
  const marks = apart(scale.ticks, room / Math.max(1, wide)).flatMap((tick) => {
    const x = box.left + tick.at * wide;
    return [straight(x, box.top, x, box.bottom, theme.edge), label(x, box.bottom + 15, cut(tick.label, room - 6), theme.soft, { "text-anchor": "middle" })];
  });
  if (title) marks.push(label(box.right, box.bottom + 30, cut(title, wide), theme.ink, { "text-anchor": "end" }));
  return marks;
}
