import { expect, test } from "vitest";
import { firstOf, sectionsOf } from "./sections";

const NAMES = ["train/loss", "b", "val/loss", "train/acc", "a/b/c", "a"];

test("sections are one for each prefix, in order, and keep the order of names", () => {
  expect(sectionsOf(NAMES)).toEqual([["", ["b", "a"]], ["a", ["a/b/c"]], ["train", ["train/loss", "train/acc"]], ["val", ["val/loss"]]]);
});

test("sections are made as far as panels may be, closed ones for nothing", () => {
  const sections = sectionsOf(NAMES);
  expect(firstOf(sections, 9, () => true)).toEqual({ made: sections, isWhole: true });
  expect(firstOf(sections, 6, () => true)).toEqual({ made: sections, isWhole: true });
  expect(firstOf(sections, 4, () => true)).toEqual({ made: [["", ["b", "a"]], ["a", ["a/b/c"]], ["train", ["train/loss"]]], isWhole: false });
  expect(firstOf(sections, 3, () => true)).toEqual({ made: [["", ["b", "a"]], ["a", ["a/b/c"]]], isWhole: false });
  expect(firstOf(sections, 2, (prefix) => prefix === "val")).toEqual({ made: [["", []], ["a", []], ["train", []], ["val", ["val/loss"]]], isWhole: true });
});
