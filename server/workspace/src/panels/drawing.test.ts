import { expect, test } from "vitest";
import type { Series } from "../wire";
import { follow, grouped, join, lineOf, type Look } from "./drawing";

const look: Look = { smoothing: "none", amount: 0, logX: false, logY: false, shade: true };

function series(run: string, x: number[], y: (number | null)[], more: Partial<Series> = {}): Series {
  return { run, key: "loss", x, y, count: x.length, ...more };
}

test("lines of different x share one, with nothing where a line has no point", () => {
  const lines = [lineOf(series("a", [0, 2], [1, null]), "a", "red", look), lineOf(series("b", [1], [5]), "b", "blue", look)];
  expect(join(lines, look)).toEqual({
    x: [0, 1, 2],
    columns: [
      [1, undefined, null],
      [undefined, 5, undefined],
    ],
  });
});

test("a logarithm shows numbers above zero alone", () => {
  const line = lineOf(series("a", [0, 1, 2], [-1, 0, 3]), "a", "red", look);
  expect(join([line], { ...look, logY: true }).columns).toEqual([[null, null, 3]]);
  expect(join([line], { ...look, logX: true }).x).toEqual([1, 2]);
});

test("a shade and the values before smoothing come after the line itself", () => {
  const smoothed = { ...look, smoothing: "average", amount: 2 } as const;
  const line = lineOf(series("a", [0, 1], [1, 3], { low: [0, 2], high: [2, 4] }), "a", "red", smoothed);
  expect(join([line], smoothed).columns).toEqual([
    [1, 2],
    [0, 2],
    [2, 4],
    [1, 3],
  ]);
});

test("a group is the mean of its runs between the least and the greatest", () => {
  const line = grouped([series("a", [0, 10], [1, 3]), series("b", [0, 10], [3, 5])], "g", "g", "red", look);
  expect([line.y, line.low, line.high]).toEqual([
    [2, 4],
    [1, 3],
    [3, 5],
  ]);
});

test("what follows takes the place of the points from its first x on", () => {
  const earlier = series("a", [0, 1, 2], [10, 11, 12]);
  expect(follow(earlier, series("a", [2, 3], [20, 21]))).toMatchObject({ x: [0, 1, 2, 3], y: [10, 11, 20, 21] });
  const bucketed = follow(earlier, series("a", [2, 4], [20, 21], { low: [19, 20], high: [21, 22] }));
  expect([bucketed.low, bucketed.high]).toEqual([
    [10, 11, 19, 20],
    [10, 11, 21, 22],
  ]);
  expect(follow(earlier, series("a", [], []))).toBe(earlier);
});

test("points at one x are drawn as their mean between the least and the greatest", () => {
  const line = lineOf(series("a", [0, 0, 1, 2, 2], [1, 3, 5, null, 8]), "a", "red", look);
  expect(line).toMatchObject({ x: [0, 1, 2], y: [2, 5, 8], low: [1, 5, 8], high: [3, 5, 8] });
  const plain = lineOf(series("a", [0, 1], [1, 2]), "a", "red", look);
  expect(plain.low).toBeUndefined();
});
