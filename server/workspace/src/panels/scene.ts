// A drawing as a list of marks, which the page shows as SVG and a file holds as SVG. Pure.

import { plain } from "../colours";

export interface Theme {
  isDark: boolean;
  ink: string;
  soft: string;
  edge: string;
  paper: string;
}

export interface Mark {
  tag: "rect" | "circle" | "path" | "line" | "text" | "image";
  is: Record<string, string | number>;
  text?: string;
}

/** A place that says something when the cursor or the arrow keys come to it. */
export interface Spot {
  x: number;
  y: number;
  label: string;
  detail: string;
  colour: string;
}

export interface Scene {
  width: number;
  height: number;
  marks: Mark[];
  spots: Spot[];
  /** Which distance decides the spot that is meant. */
  nearest: "x" | "y" | "both";
  /** What colours mean; a file says it below, the page has the table of runs. */
  legend: { colour: string; label: string }[];
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export const TEXT = 11;
/** About how wide a letter is. */
export const LETTER = 6.1;

/** As precise as can be seen. */
export function fine(value: number): number {
  return Math.round(value * 100) / 100;
}

export function cut(text: string, width: number, letter = LETTER): string {
  const letters = [...text];
  const room = Math.max(1, Math.floor(width / letter));
  return letters.length <= room ? text : `${letters.slice(0, Math.max(1, room - 1)).join("")}…`;
}

export function rect(x: number, y: number, width: number, height: number, fill: string, more: Mark["is"] = {}): Mark {
  return { tag: "rect", is: { x: fine(x), y: fine(y), width: fine(Math.max(0, width)), height: fine(Math.max(0, height)), fill, ...more } };
}

export function circle(x: number, y: number, radius: number, fill: string, more: Mark["is"] = {}): Mark {
  return { tag: "circle", is: { cx: fine(x), cy: fine(y), r: radius, fill, ...more } };
}

export function straight(x1: number, y1: number, x2: number, y2: number, stroke: string): Mark {
  return { tag: "line", is: { x1: fine(x1), y1: fine(y1), x2: fine(x2), y2: fine(y2), stroke, "stroke-width": 1 } };
}

export function label(x: number, y: number, text: string, fill: string, more: Mark["is"] = {}): Mark {
  return { tag: "text", is: { x: fine(x), y: fine(y), fill, "font-size": TEXT, ...more }, text };
}

export function stroke(d: string, colour: string, width: number, more: Mark["is"] = {}): Mark {
  return { tag: "path", is: { d, fill: "none", stroke: colour, "stroke-width": width, "stroke-linejoin": "round", ...more } };
}

/** Lines through points, broken where there is none. */
export function through(points: ([number, number] | null)[]): string {
  let isDown = false;
  const parts: string[] = [];
  for (const point of points) {
    if (point) parts.push(`${isDown ? "L" : "M"}${fine(point[0])} ${fine(point[1])}`);
    isDown = point !== null;
  }
  return parts.join("");
}

/** The spot that is meant at a place, none where all are far. */
export function spotAt(scene: Scene, x: number, y: number): number | undefined {
  const REACH = 40;
  let found: number | undefined;
  let least = scene.nearest === "both" ? REACH : Infinity;
  scene.spots.forEach((spot, at) => {
    const [across, down] = [Math.abs(spot.x - x), Math.abs(spot.y - y)];
    const distance = scene.nearest === "x" ? across : scene.nearest === "y" ? down : Math.hypot(across, down);
    if (distance < least) [least, found] = [distance, at];
  });
  return found;
}

const MARGIN = 12;
const HEAD = 30;
const FOOT = 8;
const ENTRY = 16;

/** Write a drawing as a file that stands alone: on a ground, with its title, and below what its colours mean. */
export function writeSvg(scene: Scene, theme: Theme, title: string): { text: string; width: number; height: number } {
  const width = scene.width + 2 * MARGIN;
  const marks: Mark[] = [label(MARGIN, 20, cut(title, scene.width, 7.5), theme.ink, { "font-size": 14, "font-weight": 600 })];
  let [x, y] = [MARGIN, HEAD + scene.height + ENTRY];
  for (const entry of scene.legend) {
    const text = cut(entry.label, Math.min(240, width - 48));
    const wide = 30 + [...text].length * LETTER;
    if (x > MARGIN && x + wide > width) [x, y] = [MARGIN, y + ENTRY];
    marks.push(rect(x, y - 9, 10, 10, entry.colour, { rx: 2 }), label(x + 15, y, text, theme.soft));
    x += wide;
  }
  const height = (scene.legend.length ? y : HEAD + scene.height) + FOOT;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">`,
    `<title>${escape(title)}</title>`,
    written(rect(0, 0, width, height, theme.paper)),
    ...marks.map(written),
    `<g transform="translate(${MARGIN} ${HEAD})">`,
    ...scene.marks.map(written),
    "</g>",
    "</svg>",
  ];
  return { text: `${lines.join("\n")}\n`, width, height };
}

function written(mark: Mark): string {
  const attributes = Object.entries(mark.is).map(([name, value]) => ` ${name}="${escape(name === "fill" || name === "stroke" ? plain(String(value)) : String(value))}"`);
  return `<${mark.tag}${attributes.join("")}${mark.text === undefined ? "/>" : `>${escape(mark.text)}</${mark.tag}>`}`;
}

/** Text for XML, which has no place at all for most control characters and for half of a surrogate pair. */
export function escape(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
