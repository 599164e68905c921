import { expect, test } from "vitest";
import { isCostly, matching } from "./matching";

const NAMES = ["loss", "val/loss", "val/accuracy", "layer1/norm", "layer12/norm", "a".repeat(200)];

test("an expression finds names, in their order and in either case", () => {
  expect(matching("^(train|VAL)/", NAMES).names).toEqual(["val/loss", "val/accuracy"]);
  expect(matching("layer\\d+/.*", NAMES).names).toEqual(["layer1/norm", "layer12/norm"]);
  expect(matching("(val/)?loss$", NAMES).names).toEqual(["loss", "val/loss"]);
  expect(matching("layer[0-9]{2}/", NAMES).names).toEqual(["layer12/norm"]);
  expect(matching("", NAMES)).toEqual({ names: [] });
});

test("what is no expression is said", () => {
  expect(matching("(", NAMES)).toEqual({ names: [], problem: "This is no regular expression." });
});

test.each(["(a+)+$", "(a|a)*$", "(?:a*){9}x", "((a)+b)*", "(a?){50}", ".*.*.*.*x", `${"a?".repeat(30)}x`, "(a|a)".repeat(25), "x".repeat(201), "([^/]+/)*x"])(
  "an expression that could take for ever is not tried: %s",
  (pattern) => {
    expect(isCostly(pattern)).toBe(true);
    expect(matching(pattern, NAMES).problem).toMatch(/too long/);
  },
);

test.each(["loss", "^val/.*loss$", "a\\+\\*\\{b", "[+*?{|]+", ".*?/norm", "(?<name>acc|loss)", "(?=val).*"])("a usual one is: %s", (pattern) => {
  expect(isCostly(pattern)).toBe(false);
});
