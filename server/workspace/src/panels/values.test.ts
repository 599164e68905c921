import { expect, test } from "vitest";
import type { Run } from "../wire";
import { columnOf, compared, grouping, nameOf, numberOf, taken } from "./values";

function run(number: number, config: Run["config"], summary: Run["summary"] = {}): Run {
  return {
    number, name: `r${number}`, displayName: `run ${number}`, state: "finished", createdAt: number, heartbeatAt: null, tags: [], notes: null,
    group: null, jobType: null, host: null, commit: null, config, summary,
  };
}

test("a number is a finite one", () => {
  expect([1, 0, NaN, Infinity, "1", "NaN", true, null, undefined].map(numberOf)).toEqual([1, 0, null, null, null, null, null, null, null]);
});

test("a column is of numbers where a run has one, and leaves out the others", () => {
  const column = columnOf([run(1, { lr: 0.1 }), run(2, { lr: "auto" }), run(3, { lr: null }), run(4, {}), run(5, { lr: NaN })], "config.lr");
  expect(column).toEqual({ name: "config.lr", isText: false, of: new Map([["r1", 0.1]]) });
});

test("without a number it is of texts; what stands for no number is not one", () => {
  const column = columnOf([run(1, { opt: "adam" }), run(2, { opt: true }), run(3, { opt: "NaN" }), run(4, { opt: null }), run(5, { opt: "" })], "config.opt");
  expect(column).toEqual({ name: "config.opt", isText: true, of: new Map([["r1", "adam"], ["r2", "true"]]) });
});

test("names like those of every object are columns as others are", () => {
  expect(columnOf([run(1, {})], "config.constructor").of.size).toBe(0);
  expect(compared([run(1, { toString: 1 }), run(2, {})])).toEqual([{ name: "config.toString", values: [1, undefined], differs: true }]);
});

test("columns of one name are told apart", () => {
  expect(nameOf("config.lr", ["config.lr", "summary.lr"])).toBe("config.lr");
  expect(nameOf("config.lr", ["config.lr", "summary.loss"])).toBe("lr");
});

test("a choice keeps what is chosen, though no run has it", () => {
  expect(grouping(["state", "config.a"], ["config.gone", ""])).toEqual([
    ["Config", ["config.a", "config.gone"]],
    ["Run", ["state"]],
  ]);
});

test("one number out of many, gaps passed over", () => {
  const series = { run: "a", key: "loss", x: [0, 1, 2], y: [3, 1, null], low: [2, 0, null], high: [4, 1, null], count: 9 };
  expect([taken(series, "last"), taken(series, "smallest"), taken(series, "largest"), taken(series, "mean")]).toEqual([1, 0, 4, 2]);
  expect(taken({ ...series, low: undefined, high: undefined }, "largest")).toBe(3);
  expect(taken({ ...series, y: [null], low: undefined }, "smallest")).toBeNull();
  expect(taken(undefined, "last")).toBeNull();
});

test("what differs comes first, also where one run lacks it", () => {
  const rows = compared([run(1, { a: 1, b: 2 }, { loss: 1, _step: 3 }), run(2, { a: 1, b: 3, c: null }, { loss: 1 })]);
  expect(rows.map((row) => [row.name, row.differs])).toEqual([
    ["config.b", true],
    ["config.c", true],
    ["config.a", false],
    ["summary.loss", false],
  ]);
});
