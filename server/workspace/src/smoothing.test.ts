import { expect, test } from "vitest";
import { smooth } from "./smoothing";

const x = [0, 1, 2, 3, 4];

test("nothing is changed without smoothing", () => {
  expect(smooth("none", 0.9, x, [1, null, 3, 2, 5])).toEqual([1, null, 3, 2, 5]);
});

test.each([
  ["exponential", 0.6],
  ["gaussian", 2],
  ["average", 3],
] as const)("%s keeps a constant, and gaps where they are", (kind, amount) => {
  const smoothed = smooth(kind, amount, x, [7, 7, null, 7, 7]);
  expect(smoothed[2]).toBeNull();
  for (const value of smoothed.filter((each) => each !== null)) expect(value).toBeCloseTo(7, 12);
});

test("a time weighted average forgets by distance, not by count", () => {
  const near = smooth("exponential", 0.5, [0, 1, 2], [0, 0, 1]);
  const far = smooth("exponential", 0.5, [0, 1, 101], [0, 0, 1]);
  expect(near[2]).toBeCloseTo(1 / 1.75, 12);
  expect(far[2]).toBeGreaterThan(near[2] ?? 0);
});

test("a running average is the mean of the last points", () => {
  expect(smooth("average", 2, x, [1, 3, 5, 7, 9])).toEqual([1, 2, 4, 6, 8]);
});

test("a gaussian looks both ways", () => {
  const [first, middle, last] = smooth("gaussian", 1, [0, 1, 2], [0, 1, 0]);
  expect(first).toBeCloseTo(last ?? NaN, 12);
  expect(middle).toBeLessThan(1);
  expect(first).toBeGreaterThan(0);
});
