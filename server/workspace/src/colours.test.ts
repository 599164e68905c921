import { expect, test } from "vitest";
import { colourOf, plain, rampOf } from "./colours";

test("a colour is written as every program reads it", () => {
  expect(plain("oklch(100% 0 0 / 1)")).toBe("#ffffff");
  expect(plain("oklch(0% 0 0 / 1)")).toBe("#000000");
  // The primaries of sRGB in Oklch.
  expect(plain("oklch(62.796% 0.25768 29.234 / 1)")).toBe("#ff0000");
  expect(plain("oklch(45.201% 0.31321 264.052 / 0.5)")).toBe("#0000ff");
  expect(plain("#1f6f5c")).toBe("#1f6f5c");
});

test("every run's colour is one, and neighbours differ", () => {
  const found = Array.from({ length: 20 }, (_, number) => plain(colourOf(number, false)));
  expect(found.every((colour) => /^#[0-9a-f]{6}$/.test(colour))).toBe(true);
  expect(new Set(found).size).toBe(20);
});

test("a ramp goes away from the ground", () => {
  const brightness = (colour: string) => [1, 3, 5].reduce((sum, at) => sum + Number.parseInt(plain(colour).slice(at, at + 2), 16), 0);
  expect(brightness(rampOf(0, false))).toBeGreaterThan(brightness(rampOf(1, false)));
  expect(brightness(rampOf(0, true))).toBeLessThan(brightness(rampOf(1, true)));
  expect(rampOf(-3, true)).toBe(rampOf(0, true));
});
