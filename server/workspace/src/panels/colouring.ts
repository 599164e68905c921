// The colours of what is drawn of runs: each its own, or by the value that they have in a column.

import { colourOf, rampOf } from "../colours";
import type { Run } from "../wire";
import { LETTER, type Mark, type Theme, cut, label, rect } from "./scene";
import { extent, isWide } from "./scales";
import { columnOf, nameOf, wordsFor } from "./values";

export interface Colouring {
  of: (run: Run) => string;
  /** The value that decides, in words. */
  words: (run: Run) => string;
  name: string;
  /** What colours mean: the ends of a ramp, or texts. Nothing where each run has its own. */
  ends: [string, string] | null;
  texts: { colour: string; label: string }[];
}

export function colouringBy(name: string, runs: Run[], theme: Theme): Colouring {
  if (!name) return { of: (run) => colourOf(run.number, theme.isDark), words: () => "", name: "", ends: null, texts: [] };
  const column = columnOf(runs, name);
  const write = wordsFor(name);
  const words = (run: Run) => {
    const value = column.of.get(run.name);
    return typeof value === "number" ? write(value) : (value ?? "nothing");
  };
  const title = nameOf(name);
  if (column.isText) {
    const texts = [...new Set(column.of.values())].map(String).sort().map((text, at) => ({ colour: colourOf(at, theme.isDark), label: text }));
    const colours = new Map(texts.map((each) => [each.label, each.colour]));
    return { of: (run) => colours.get(String(column.of.get(run.name))) ?? theme.soft, words, name: title, ends: null, texts };
  }
  const values = [...column.of.values()].map(Number);
  const curve = isWide(values) ? Math.log : (value: number) => value;
  const [low, high] = extent(values.map(curve));
  const of = (run: Run) => {
    const value = column.of.get(run.name);
    return typeof value === "number" ? rampOf(low === high ? 0.5 : (curve(value) - low) / (high - low), theme.isDark) : theme.soft;
  };
  const [least, most] = extent(values);
  return { of, words, name: title, ends: [write(least), write(most)], texts: [] };
}

const SWATCHES = 24;

/** One line that says what colours mean, from a place to the right; nothing where each run has its own. */
export function keyOf(colouring: Colouring, left: number, right: number, y: number, theme: Theme): Mark[] {
  if (!colouring.name) return [];
  const name = cut(colouring.name, (right - left) * 0.4);
  const marks: Mark[] = [label(left, y, name, theme.ink)];
  let x = left + [...name].length * LETTER + 10;
  if (colouring.ends) {
    const [low, high] = colouring.ends;
    marks.push(label(x, y, low, theme.soft));
    x += low.length * LETTER + 6;
    for (let at = 0; at < SWATCHES; at++) marks.push(rect(x + at * 3, y - 8, 3.2, 8, rampOf(at / (SWATCHES - 1), theme.isDark)));
    marks.push(label(x + SWATCHES * 3 + 6, y, high, theme.soft));
    return marks;
  }
  for (const [at, entry] of colouring.texts.entries()) {
    const text = cut(entry.label, 100);
    const wide = 24 + [...text].length * LETTER;
    if (x + wide > right - (at < colouring.texts.length - 1 ? 50 : 0)) {
      marks.push(label(x, y, `and ${colouring.texts.length - at} more`, theme.soft));
      break;
    }
    marks.push(rect(x, y - 9, 10, 10, entry.colour, { rx: 2 }), label(x + 14, y, text, theme.soft));
    x += wide;
  }
  return marks;
}
