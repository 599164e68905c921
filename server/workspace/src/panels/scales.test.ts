import { expect, test } from "vitest";
import { apart, isWide, numbers, rounds, texts } from "./scales";

const words = String;

test("round numbers stand between two others", () => {
  expect(rounds(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(rounds(-13, 27, 4)).toEqual([-10, 0, 10, 20]);
  expect(rounds(0.1, 0.35, 3)).toEqual([0.1, 0.2, 0.3]);
  for (const [low, high] of [[1, 1], [NaN, 2], [2, 1], [-Infinity, 1], [1, 1 + 1e-15]] as const) expect(rounds(low, high, 5).length).toBeLessThan(10);
});

test("an axis begins at the least and ends at the greatest, with room where it is asked for", () => {
  const scale = numbers([10, 20], { words });
  expect([10, 15, 20].map(scale.place)).toEqual([0, 0.5, 1]);
  expect(numbers([10, 20], { words, room: 0.5 }).place(10)).toBe(0.25);
  expect(scale.words(0.5)).toBe("15");
});

test("an axis with zero holds it, and leaves no room beyond it", () => {
  expect(numbers([2, 4], { words, zero: true }).place(0)).toBe(0);
  expect(numbers([-4, -2], { words, zero: true, room: 0.1 }).place(0)).toBe(1);
  const both = numbers([-1, 3], { words, zero: true });
  expect(both.place(0)).toBe(0.25);
});

test("one value alone stands in the middle", () => {
  for (const value of [0, 7, -3, 1e-12]) expect(numbers([value], { words }).place(value)).toBeCloseTo(0.5);
  expect(numbers([5], { words, isLog: true }).place(5)).toBeCloseTo(0.5);
});

test("no value at all, and values beyond numbers, do no harm", () => {
  expect(numbers([], { words }).ticks.length).toBeGreaterThan(1);
  const scale = numbers([1, NaN, Infinity, 3], { words });
  expect([scale.place(NaN), scale.place(Infinity), scale.place("x"), scale.place(2)]).toEqual([null, null, null, 0.5]);
  const greatest = numbers([-1.7e308, 1.7e308], { words });
  expect([greatest.place(0), greatest.ticks.every((tick) => Number.isFinite(tick.at))]).toEqual([0.5, true]);
});

test("a logarithm shows numbers above zero alone, by powers of ten", () => {
  const scale = numbers([-5, 0, 0.001, 1000], { words, isLog: true });
  expect([scale.place(0), scale.place(-5)]).toEqual([null, null]);
  expect(scale.place(1)).toBeCloseTo(0.5);
  expect(scale.ticks.map((tick) => tick.label)).toEqual(["0.001", "0.01", "0.1", "1", "10", "100", "1000"]);
  expect(numbers([2, 7], { words, isLog: true }).ticks.length).toBeGreaterThan(1);
  expect(numbers([1e-300, 1e300], { words, isLog: true }).ticks.length).toBeLessThan(10);
});

test("texts stand in the middle of equal parts, in the order people read", () => {
  const scale = texts(["b10", "b9", "b9"]);
  expect(scale.ticks).toEqual([
    { at: 0.25, label: "b9" },
    { at: 0.75, label: "b10" },
  ]);
  expect([scale.place("b9"), scale.place("other"), scale.words(0.9), scale.words(1)]).toEqual([0.25, null, "b10", "b10"]);
});

test("values of many sizes are meant for a logarithm", () => {
  expect([isWide([1e-4, 0.1]), isWide([1, 50]), isWide([0, 1000]), isWide([])]).toEqual([true, false, false, false]);
});

test("labels that would touch are left out", () => {
  expect(apart([0, 0.05, 0.2, 0.22, 0.5].map((at) => ({ at, label: "" })), 0.1).map((tick) => tick.at)).toEqual([0, 0.2, 0.5]);
});
