import { expect, test } from "vitest";
import type { Tree } from "../wire";
import { drawHeat, gridOf, histogramOf, strength } from "./heat";

const theme = { isDark: false, ink: "#111111", soft: "#555555", edge: "#dddddd", paper: "#ffffff" };
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

test("a histogram is read as clients log it, by edges or by their size", () => {
  expect(histogramOf({ step: 3, value: { values: [1, 2], bins: [0, 1, 2] } })).toEqual([{ step: 3, edges: [0, 1, 2], counts: [1, 2] }]);
  expect(histogramOf({ step: 3, value: { values: [1, 2], packedBins: { min: -1, size: 0.5, count: 2 } } })).toEqual([{ step: 3, edges: [-1, -0.5, 0], counts: [1, 2] }]);
});

const JUNK: Record<string, Tree>[] = [
  {}, { values: [] }, { values: [1], bins: [0] }, { values: [1], bins: [0, "1"] }, { values: ["1"], bins: [0, 1] }, { values: [1], bins: [1, 0] },
  { values: [-1], bins: [0, 1] }, { values: [0], bins: [0, 1] }, { values: 3, bins: 4 }, { values: [1], packedBins: "x" }, { values: [1], packedBins: { min: "x" } },
];

test.each(JUNK)("what is no histogram is left out: %o", (value) => {
  expect(histogramOf({ step: 0, value })).toEqual([]);
});

test("every column holds the whole of a histogram, spread over its rows", () => {
  const grid = gridOf([
    { step: 10, edges: [0, 1, 2], counts: [3, 1] },
    { step: 0, edges: [-2, 4], counts: [5] },
  ]);
  expect(grid && [grid.low, grid.high, grid.first, grid.last]).toEqual([-2, 4, 0, 20]);
  expect(grid?.columns.map((column) => column.step)).toEqual([0, 10]);
  for (const column of grid?.columns ?? []) expect(sum(column.shares)).toBeCloseTo(1);
  const rows = grid?.columns[1]?.shares ?? [];
  expect(sum(rows.slice(20, 30))).toBeCloseTo(0.75);
  expect(sum(rows.slice(0, 20))).toBe(0);
});

test("uneven steps show what was logged last before each column", () => {
  const at = (step: number) => ({ step, edges: [0, 1], counts: [1] });
  expect(gridOf([at(0), at(1), at(2), at(90)])?.columns.map((column) => column.step)).toEqual([2, 2, 2, 90]);
});

test("values all alike, one histogram alone and none at all do no harm", () => {
  const grid = gridOf([{ step: 5, edges: [1, 1], counts: [4] }]);
  expect(grid && [sum(grid.columns[0]?.shares ?? []), grid.low < 1 && grid.high > 1]).toEqual([1, true]);
  expect(gridOf([])).toBeUndefined();
  for (const scene of grid ? [drawHeat(grid, "data:,", "red", 300, 200, theme, "h")] : []) {
    expect(scene.spots).toHaveLength(1);
    expect(JSON.stringify(scene)).not.toContain("null");
  }
});

test("small shares are seen beside large ones", () => {
  expect([strength(0, 1), strength(0.01, 1), strength(1, 1), strength(1, 0)]).toEqual([0, 0.1, 1, 0]);
});
